#include "io/reactor.h"

#include <gmock/gmock.h>

#include <memory>
#include <thread>
#include <vector>

#include "io/loop_test.h"

namespace gatehouse::io {
namespace {

using test::run_for;
using test::turn;
using testing::ElementsAre;
using namespace std::chrono_literals;

TEST(Reactor, posted_work_runs_in_the_order_of_posting) {
  Reactor reactor;
  std::vector<int> ran;
  for (int i = 0; i < 4; ++i) reactor.post([&ran, i] { ran.push_back(i); });
  EXPECT_TRUE(ran.empty()) << "work runs in the loop, not in post()";
  turn(reactor);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3));
}

TEST(Reactor, work_posted_by_work_runs_in_the_next_turn) {
  Reactor reactor;
  std::vector<int> ran;
  reactor.post([&] {
    reactor.post([&] { ran.push_back(2); });
    ran.push_back(1);
  });
  turn(reactor);
  EXPECT_THAT(ran, ElementsAre(1));
  turn(reactor);
  EXPECT_THAT(ran, ElementsAre(1, 2));
}

TEST(Reactor, many_threads_may_post_and_all_work_runs_on_the_loops_thread) {
  constexpr int kThreads = 4, kEach = 20'000;
  Reactor reactor;
  const std::thread::id loop = std::this_thread::get_id();
  std::vector<int> next(kThreads);
  int left = kThreads * kEach, elsewhere = 0, out_of_order = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        reactor.post([&, thread, i] {
          elsewhere += std::this_thread::get_id() != loop;
          out_of_order += next[static_cast<std::size_t>(thread)]++ != i;
          if (--left == 0) reactor.stop();
        });
      }
    });
  }
  EXPECT_TRUE(run_for(reactor)) << left << " never ran";
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(left, 0);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(out_of_order, 0) << "of one thread, work keeps its order";
}

TEST(Reactor, a_post_wakes_a_loop_that_sleeps) {
  Reactor ping, pong;
  int rounds = 0;
  std::function<void()> serve = [&] {
    pong.post([&] {
      ping.post([&] {
        if (++rounds == 1000) {
          pong.post([&] { pong.stop(); });
          ping.stop();
        } else {
          serve();
        }
      });
    });
  };
  std::thread other([&] { pong.run(); });
  serve();
  EXPECT_TRUE(run_for(ping)) << "a wake-up was lost in round " << rounds;
  pong.post([&] { pong.stop(); });
  other.join();
  EXPECT_EQ(rounds, 1000);
}

TEST(Reactor, what_never_ran_is_destroyed_with_it) {
  const auto held = std::make_shared<int>(1);
  {
    Reactor reactor;
    for (int i = 0; i < 3; ++i) reactor.post([held] { FAIL() << "ran"; });
    EXPECT_EQ(held.use_count(), 4);
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Reactor, stop_ends_the_loop_after_the_turn_and_run_may_be_called_again) {
  Reactor reactor;
  std::vector<int> ran;
  reactor.post([&] {
    reactor.stop();
    ran.push_back(1);
  });
  reactor.post([&] { ran.push_back(2); });
  reactor.run();
  EXPECT_THAT(ran, ElementsAre(1, 2)) << "the turn is finished";
  reactor.post([&] { ran.push_back(3); });
  turn(reactor);
  EXPECT_THAT(ran, ElementsAre(1, 2, 3));
}

struct Alarm : Wait {
  explicit Alarm(Reactor& of) : Wait([](Wait& wait) { static_cast<Alarm&>(wait).ring(); }), reactor(of) {}
  void ring() {
    rang = reactor.now();
    reactor.stop();
  }
  Reactor& reactor;
  TimePoint rang{};
};

TEST(Reactor, a_deadline_wakes_the_loop_and_never_early) {
  Reactor reactor;
  Alarm alarm(reactor);
  const TimePoint due = steady_now() + 30ms;
  alarm.attach(reactor.scheduler(), nullptr, nullptr, due);
  ASSERT_TRUE(run_for(reactor));
  EXPECT_EQ(alarm.outcome(), Outcome::timeout);
  EXPECT_GE(alarm.rang, due);
  EXPECT_GE(steady_now(), due);
}

TEST(Reactor, the_clock_stands_still_within_a_turn) {
  Reactor reactor;
  TimePoint first{}, second{};
  reactor.post([&] {
    first = reactor.now();
    while (steady_now() < first + 2ms) {
    }
  });
  reactor.post([&] { second = reactor.now(); });
  turn(reactor);
  EXPECT_EQ(first, second);
  turn(reactor);
  EXPECT_GE(reactor.now(), first + 2ms);
}

}  // namespace
}  // namespace gatehouse::io
