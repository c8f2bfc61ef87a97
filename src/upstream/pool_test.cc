#include "upstream/pool.h"

#include "upstream/service_test.h"

namespace gatehouse::upstream {
namespace {

using namespace std::chrono_literals;

using PoolTest = test::TwoWorkers;

TEST_F(PoolTest, a_connection_that_carried_a_whole_exchange_carries_the_next) {
  serve(*attempt());
  EXPECT_EQ(pool().idle_count, 1U);
  serve(*attempt());
  EXPECT_EQ(service_.accepted(), 1);
  EXPECT_EQ(pool().opened, 1U);
  EXPECT_EQ(pool().reused, 1U);
}

TEST_F(PoolTest, a_connection_with_an_unfinished_exchange_is_closed) {
  endpoint_->configure(caps(3));
  const auto unused = attempt(), asked = attempt();
  EXPECT_EQ(free_permits(*endpoint_), 1);
  Arena arena;
  start_exchange(asked->lease().stream(), arena);  // the answer is not read
  spoil(*unused);
  spoil(*asked);
  settle();
  EXPECT_EQ(service_.open(), 0);
  EXPECT_EQ(pool().open_count, 0U);
  EXPECT_EQ(pool().idle_count, 0U);
  EXPECT_EQ(free_permits(*endpoint_), 3);
}

TEST_F(PoolTest, of_the_idle_ones_the_last_used_is_taken) {
  const auto first = attempt(), second = attempt();
  const client::H1Client* const last = &second->lease().stream();
  serve(*first);
  serve(*second);
  EXPECT_EQ(&attempt()->lease().stream(), last);
}

TEST_F(PoolTest, an_idle_connection_closes_after_the_idle_timeout) {
  endpoint_->configure(caps(1));
  serve(*attempt());
  pass(3900ms);
  EXPECT_EQ(pool().idle_count, 1U);
  EXPECT_EQ(free_permits(*endpoint_), 0) << "an idle connection keeps its permit";
  pass(200ms);
  EXPECT_EQ(pool().idle_count, 0U);
  EXPECT_EQ(pool().open_count, 0U);
  EXPECT_EQ(service_.open(), 0);
  EXPECT_EQ(free_permits(*endpoint_), 1);
}

TEST_F(PoolTest, use_starts_the_idle_time_anew) {
  serve(*attempt());
  pass(3s);
  serve(*attempt());
  pass(3s);
  EXPECT_EQ(pool().idle_count, 1U);
  EXPECT_EQ(service_.accepted(), 1);
}

TEST_F(PoolTest, a_connection_that_the_service_closes_leaves_the_pool) {
  serve(*attempt());
  service_.close_all();
  settle();
  EXPECT_EQ(pool().idle_count, 0U);
  EXPECT_EQ(pool().open_count, 0U);
}

TEST_F(PoolTest, bytes_that_nobody_asked_for_end_an_idle_connection) {
  serve(*attempt());
  service_.send_to_all("HTTP/1.1 200 OK\r\n\r\n");
  settle();
  EXPECT_EQ(pool().idle_count, 0U);
  EXPECT_EQ(service_.open(), 0);
}

TEST_F(PoolTest, a_connection_known_to_be_stale_is_not_lent) {
  endpoint_->configure(caps(2));
  serve(*attempt());
  service_.close_all();
  bool looked = false;
  // Posted work runs after the turn's events are noted and before the idle watch is resumed.
  reactors_[0].post([&] {
    looked = true;
    EXPECT_EQ(pool().take_idle(), nullptr);
    EXPECT_EQ(pool().idle_count, 0U);
  });
  settle();
  EXPECT_TRUE(looked);
  EXPECT_EQ(free_permits(*endpoint_), 2);
}

TEST_F(PoolTest, max_idle_is_shared_among_the_workers) {
  endpoint_->configure(caps(8, 3));
  std::vector<std::unique_ptr<test::Attempt>> attempts;
  for (unsigned i = 0; i < 6; ++i) attempts.push_back(attempt(i % 2));
  for (const auto& each : attempts) serve(*each);
  EXPECT_EQ(pool(0).idle_count, 2U);
  EXPECT_EQ(pool(1).idle_count, 1U);
  settle();
  EXPECT_EQ(service_.open(), 3);
  EXPECT_EQ(free_permits(*endpoint_), 5);
}

TEST_F(PoolTest, at_the_cap_a_connection_goes_to_who_waits_longest) {
  endpoint_->configure(caps(1));
  const auto holder = attempt();
  const auto first = attempt(), second = attempt();
  EXPECT_FALSE(first->done() || second->done());
  serve(*holder);
  settle();
  EXPECT_TRUE(first->connected());
  EXPECT_FALSE(second->done());
  serve(*first);
  settle();
  serve(*second);
  EXPECT_EQ(service_.accepted(), 1) << "one connection served all";
}

TEST_F(PoolTest, a_closed_connection_lets_who_waits_open_one) {
  endpoint_->configure(caps(1));
  const auto holder = attempt(), waiter = attempt();
  spoil(*holder);
  settle();
  serve(*waiter);
  EXPECT_EQ(service_.accepted(), 2);
  EXPECT_EQ(pool().open_count, 1U);
}

TEST_F(PoolTest, the_queue_has_one_cap_for_all_workers) {
  endpoint_->configure(caps(1, 256, 2));
  const auto holder = attempt(0), here = attempt(0), there = attempt(1);
  EXPECT_FALSE(here->done() || there->done());
  EXPECT_EQ(attempt(0)->reason(), Reason::overloaded);
  EXPECT_EQ(attempt(1)->reason(), Reason::overloaded);
  serve(*holder);
  settle();
  EXPECT_TRUE(here->connected());
  EXPECT_FALSE(attempt(1)->done()) << "a place in the queue is free again";
}

TEST_F(PoolTest, a_queue_of_none_refuses_at_once) {
  endpoint_->configure(caps(1, 256, 0));
  const auto holder = attempt();
  EXPECT_EQ(attempt()->reason(), Reason::overloaded);
  EXPECT_EQ(free_permits(*endpoint_), 0);
}

TEST_F(PoolTest, waiting_ends_with_the_queue_timeout) {
  endpoint_->configure(caps(1));
  const auto holder = attempt(), waiter = attempt();
  pass(900ms);
  EXPECT_FALSE(waiter->done());
  pass(200ms);
  EXPECT_EQ(waiter->reason(), Reason::overloaded);
  EXPECT_EQ(waiter->error().retry, RetrySafety::yes);
  EXPECT_EQ(pool().waiting, 0U);
  serve(*holder);
  EXPECT_EQ(pool().idle_count, 1U) << "nobody waits for it any more";
}

TEST_F(PoolTest, waiting_ends_with_the_exchanges_time_if_that_is_sooner) {
  endpoint_->configure(caps(1));
  const auto holder = attempt();
  const auto waiter = attempt(0, {.deadline = reactors_[0].now() + 300ms});
  pass(310ms);
  EXPECT_EQ(waiter->reason(), Reason::upstream_timeout);
}

TEST_F(PoolTest, who_gives_up_waiting_leaves_the_queue) {
  endpoint_->configure(caps(1, 256, 1));
  const auto holder = attempt(), waiter = attempt();
  waiter->scope.cancel(Reason::client_closed);
  settle();
  EXPECT_EQ(waiter->reason(), Reason::client_closed);
  EXPECT_EQ(pool().waiting, 0U);
  EXPECT_FALSE(attempt()->done()) << "its place is free";
}

TEST_F(PoolTest, what_is_granted_to_one_who_is_gone_goes_to_the_next) {
  for (const bool whole : {true, false}) {
    endpoint_->configure(caps(1));
    const auto holder = attempt(), leaver = attempt(), next = attempt();
    if (whole) {
      serve(*holder);
    } else {
      spoil(*holder);
    }
    leaver->scope.cancel(Reason::client_closed);  // granted, and not resumed yet
    settle();
    EXPECT_EQ(leaver->reason(), Reason::client_closed);
    serve(*next);
    pass(5s);
    EXPECT_EQ(free_permits(*endpoint_), 1) << "whole: " << whole;
  }
}

TEST_F(PoolTest, who_is_destroyed_while_it_waits_holds_nothing) {
  endpoint_->configure(caps(1, 256, 1));
  const auto holder = attempt();
  auto waiter = attempt();
  serve(*holder);    // grants
  waiter = nullptr;  // before it is resumed
  settle();
  EXPECT_EQ(pool().idle_count, 1U);
  EXPECT_EQ(pool().waiting, 0U);
  serve(*attempt());
}

TEST_F(PoolTest, a_permit_given_up_by_one_worker_goes_to_another_that_waits) {
  endpoint_->configure(caps(1));
  const auto holder = attempt(0), waiter = attempt(1);
  EXPECT_FALSE(waiter->done());
  spoil(*holder);
  settle();
  serve(*waiter);
  EXPECT_EQ(pool(0).open_count, 0U);
  EXPECT_EQ(pool(1).open_count, 1U);
}

TEST_F(PoolTest, a_connection_that_gets_idle_is_closed_for_another_worker_that_waits) {
  endpoint_->configure(caps(1));
  const auto holder = attempt(0), waiter = attempt(1);
  serve(*holder);
  settle();
  serve(*waiter);
  EXPECT_EQ(pool(0).open_count, 0U);
  EXPECT_EQ(service_.accepted(), 2);
}

TEST_F(PoolTest, an_idle_connection_is_closed_for_another_worker_that_asks) {
  endpoint_->configure(caps(2));
  const auto first = attempt(0), second = attempt(0);
  serve(*first);
  serve(*second);
  ASSERT_EQ(pool(0).idle_count, 2U);
  const auto other = attempt(1);
  serve(*other);
  EXPECT_EQ(pool(0).idle_count, 1U) << "one is enough";
  EXPECT_EQ(pool(1).idle_count, 1U);
}

TEST_F(PoolTest, permits_that_come_free_wake_as_many_of_another_worker) {
  endpoint_->configure(caps(2));
  const auto first = attempt(0), second = attempt(0);
  const auto third = attempt(1), fourth = attempt(1), fifth = attempt(1);
  spoil(*first);
  spoil(*second);
  settle();
  EXPECT_TRUE(third->connected());
  EXPECT_TRUE(fourth->connected());
  EXPECT_FALSE(fifth->done());
  EXPECT_EQ(free_permits(*endpoint_), 0);
}

TEST_F(PoolTest, an_unused_pool_retires_at_once) {
  int retired = 0;
  pool().retire([&] { ++retired; });
  EXPECT_EQ(retired, 1);
}

TEST_F(PoolTest, retiring_closes_what_is_idle_and_waits_for_what_is_lent) {
  const auto idle = attempt(), first = attempt(), second = attempt();
  serve(*idle);
  int retired = 0;
  pool().retire([&] { ++retired; });
  EXPECT_EQ(pool().idle_count, 0U);
  EXPECT_EQ(pool().open_count, 2U);
  EXPECT_EQ(retired, 0);
  serve(*first);
  EXPECT_EQ(pool().idle_count, 0U) << "nothing gets idle in a retired pool";
  EXPECT_EQ(retired, 0);
  spoil(*second);
  EXPECT_EQ(retired, 1);
  settle();
  EXPECT_EQ(service_.open(), 0);
}

TEST_F(PoolTest, retiring_waits_for_those_who_wait) {
  endpoint_->configure(caps(1));
  const auto holder = attempt();
  auto waiter = attempt();
  int retired = 0;
  pool().retire([&] { ++retired; });
  serve(*holder);
  settle();
  ASSERT_TRUE(waiter->connected()) << "who was queued is served";
  EXPECT_EQ(retired, 0);
  serve(*waiter);
  EXPECT_EQ(retired, 1);
}

TEST_F(PoolTest, a_new_cap_holds_at_the_next_look) {
  endpoint_->configure(caps(2));
  const auto first = attempt(), second = attempt();
  endpoint_->configure(caps(1));
  spoil(*first);
  const auto third = attempt();
  EXPECT_FALSE(third->done()) << "one is open and no more may be";
  endpoint_->configure(caps(2));
  EXPECT_TRUE(attempt()->connected());
}

}  // namespace
}  // namespace gatehouse::upstream
