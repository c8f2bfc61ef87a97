#include "base/scheduler.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

const TimePoint kStart = TimePoint(std::chrono::hours(10));

class SchedulerTest : public testing::Test {
 protected:
  void advance(Duration by) {
    now_ += by;
    scheduler_.advance(now_);
    while (scheduler_.run_ready()) {
    }
  }
  void run() { advance(Duration::zero()); }
  TimePoint in(Duration after) const { return now_ + after; }

  TimePoint now_ = kStart;
  Scheduler scheduler_{kStart};
  Scope scope_{scheduler_};
};

Task<void> wait_for(Signal& signal, Scope& scope, TimePoint deadline, std::optional<Outcome>& outcome) {
  outcome = co_await until(signal, scope, deadline);
}

TEST_F(SchedulerTest, a_signal_wakes_its_waiter_from_the_loop) {
  Signal signal;
  std::optional<Outcome> outcome;
  Job job;
  job.start(wait_for(signal, scope_, kNever, outcome));
  EXPECT_TRUE(signal.awaited());
  EXPECT_TRUE(job.running());
  signal.notify();
  EXPECT_FALSE(outcome) << "resumed inside notify";
  EXPECT_EQ(scheduler_.sleep_for(), Duration::zero());
  run();
  EXPECT_EQ(outcome, Outcome::ready);
  EXPECT_FALSE(job.running());
  EXPECT_FALSE(signal.awaited());
}

TEST_F(SchedulerTest, a_signal_without_a_waiter_is_lost) {
  Signal signal;
  signal.notify();
  std::optional<Outcome> outcome;
  Job job;
  job.start(wait_for(signal, scope_, kNever, outcome));
  run();
  EXPECT_FALSE(outcome);
}

TEST_F(SchedulerTest, a_deadline_ends_the_wait) {
  Signal signal;
  std::optional<Outcome> outcome;
  Job job;
  job.start(wait_for(signal, scope_, in(milliseconds(100)), outcome));
  EXPECT_LE(scheduler_.sleep_for(), milliseconds(104));
  advance(milliseconds(96));
  EXPECT_FALSE(outcome);
  advance(milliseconds(8));
  EXPECT_EQ(outcome, Outcome::timeout);
  signal.notify();
  run();
  EXPECT_EQ(scheduler_.sleep_for(), kOff);
}

TEST_F(SchedulerTest, the_first_of_signal_and_deadline_wins) {
  Signal signal;
  std::optional<Outcome> outcome;
  Job job;
  job.start(wait_for(signal, scope_, in(milliseconds(10)), outcome));
  signal.notify();
  advance(milliseconds(50));
  EXPECT_EQ(outcome, Outcome::ready);
}

TEST_F(SchedulerTest, cancelling_a_scope_resumes_every_wait) {
  Signal first, second;
  std::optional<Outcome> a, b;
  Job job_a, job_b;
  job_a.start(wait_for(first, scope_, kNever, a));
  job_b.start(wait_for(second, scope_, in(milliseconds(10)), b));
  scope_.cancel(Reason::client_closed);
  EXPECT_FALSE(a);
  run();
  EXPECT_EQ(a, Outcome::cancelled);
  EXPECT_EQ(b, Outcome::cancelled);
  EXPECT_EQ(scope_.reason(), Reason::client_closed);
  scope_.cancel(Reason::draining);
  EXPECT_EQ(scope_.reason(), Reason::client_closed) << "the first reason stays";
}

TEST_F(SchedulerTest, a_wait_in_a_cancelled_scope_ends_at_once) {
  scope_.cancel(Reason::draining);
  Signal signal;
  std::optional<Outcome> outcome;
  Job job;
  job.start(wait_for(signal, scope_, kNever, outcome));
  EXPECT_EQ(outcome, Outcome::cancelled);
}

struct Callback {
  Wait wait{[](Wait& self) { ++reinterpret_cast<Callback&>(self).fired; }};  // first: fire gets back its address
  int fired = 0;
};

TEST_F(SchedulerTest, a_callback_attached_to_a_cancelled_scope_is_called) {
  scope_.cancel(Reason::draining);
  Callback callback;
  callback.wait.attach(scheduler_, nullptr, &scope_, kNever);
  EXPECT_EQ(callback.fired, 0);
  run();
  EXPECT_EQ(callback.fired, 1);
  EXPECT_EQ(callback.wait.outcome(), Outcome::cancelled);
}

TEST_F(SchedulerTest, attaching_again_leaves_the_earlier_signal) {
  Signal first, second;
  Callback callback;
  callback.wait.attach(scheduler_, &first, nullptr, in(milliseconds(10)));
  callback.wait.attach(scheduler_, &second, nullptr, kNever);
  EXPECT_FALSE(first.awaited());
  first.notify();
  advance(milliseconds(100));
  EXPECT_EQ(callback.fired, 0);
  second.notify();
  run();
  EXPECT_EQ(callback.fired, 1);
}

TEST_F(SchedulerTest, a_wait_that_ends_before_it_is_resumed_is_forgotten) {
  Signal signal;
  auto callback = std::make_unique<Callback>();
  callback->wait.attach(scheduler_, &signal, &scope_, in(milliseconds(4)));
  signal.notify();
  callback.reset();
  advance(milliseconds(100));
  scope_.cancel(Reason::draining);
  run();
  EXPECT_TRUE(scheduler_.idle());
}

TEST_F(SchedulerTest, a_signal_that_ends_first_leaves_the_wait_to_its_deadline) {
  auto signal = std::make_unique<Signal>();
  Callback callback;
  callback.wait.attach(scheduler_, signal.get(), nullptr, in(milliseconds(4)));
  signal.reset();
  advance(milliseconds(12));
  EXPECT_EQ(callback.fired, 1);
  EXPECT_EQ(callback.wait.outcome(), Outcome::timeout);
}

Task<void> sleep_then_log(Scope& scope, TimePoint deadline, int id, std::vector<int>& log) {
  co_await until(scope, deadline);
  log.push_back(id);
}

TEST_F(SchedulerTest, stopping_a_job_cancels_its_task) {
  std::vector<int> log;
  Job first, second;
  first.start(sleep_then_log(scope_, in(milliseconds(10)), 1, log));
  second.start(sleep_then_log(scope_, in(milliseconds(20)), 2, log));
  first.stop();
  EXPECT_FALSE(first.running());
  advance(milliseconds(40));
  EXPECT_EQ(log, std::vector{2});
}

Task<void> run_two(Scope& scope, TimePoint deadline, std::vector<int>& log) {
  Job job;
  job.start(sleep_then_log(scope, deadline, 1, log));
  while (job.running()) co_await until(job.finished(), scope, kNever);
  log.push_back(2);
}

TEST_F(SchedulerTest, a_task_joins_a_job_that_runs_beside_it) {
  std::vector<int> log;
  Job job;
  job.start(run_two(scope_, in(milliseconds(10)), log));
  EXPECT_TRUE(log.empty());
  advance(milliseconds(20));
  EXPECT_EQ(log, (std::vector{1, 2}));
  EXPECT_FALSE(job.running());
}

TEST_F(SchedulerTest, destroying_a_task_ends_the_jobs_in_its_frame) {
  std::vector<int> log;
  {
    Job job;
    job.start(run_two(scope_, in(milliseconds(10)), log));
  }
  advance(milliseconds(50));
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(scheduler_.sleep_for(), kOff);
}

TEST_F(SchedulerTest, one_call_runs_a_bounded_number_of_waits) {
  struct Again {
    Wait wait{[](Wait& self) {
      auto& me = reinterpret_cast<Again&>(self);
      ++me.fired;
      me.wait.attach(*me.scheduler, me.signal, nullptr, kNever);
      me.signal->notify();
    }};
    Scheduler* scheduler = nullptr;
    Signal* signal = nullptr;
    int fired = 0;
  };
  Signal signal;
  Again again;
  again.scheduler = &scheduler_;
  again.signal = &signal;
  again.wait.attach(scheduler_, &signal, nullptr, kNever);
  signal.notify();
  EXPECT_TRUE(scheduler_.run_ready());
  EXPECT_GT(again.fired, 100);
  EXPECT_LT(again.fired, 100000);
}

TEST_F(SchedulerTest, the_clock_never_goes_back) {
  scheduler_.advance(kStart + milliseconds(50));
  scheduler_.advance(kStart + milliseconds(10));
  EXPECT_EQ(scheduler_.now(), kStart + milliseconds(50));
}

Task<int> add(int a, int b) {
  co_return a + b;
}
Task<std::string> describe(int depth) {
  if (depth == 0) co_return "x";
  std::string inner = co_await describe(depth - 1);
  co_return inner + std::to_string(co_await add(depth, depth));
}

TEST(Task, gives_values_through_nested_calls) {
  Task<std::string> task = describe(3);
  EXPECT_FALSE(task.done());
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.result(), "x246");
}

TEST(Task, does_not_run_before_it_is_awaited) {
  bool ran = false;
  auto body = [](bool* flag) -> Task<void> {
    *flag = true;
    co_return;
  };
  {
    Task<void> task = body(&ran);
    EXPECT_TRUE(task.valid());
  }
  EXPECT_FALSE(ran);
}

Task<void> many(int count, std::int64_t& sum) {
  for (int i = 0; i < count; ++i) sum += co_await add(i, 0);
}

TEST(Task, a_long_loop_of_awaits_uses_no_stack) {
  std::int64_t sum = 0;
  Task<void> task = many(200000, sum);
  task.start();
  EXPECT_TRUE(task.done());
  EXPECT_EQ(sum, 200000LL * 199999 / 2);
}

TEST(Clock, a_timeout_that_is_off_never_ends) {
  EXPECT_EQ(deadline_after(kStart, kOff), kNever);
  EXPECT_EQ(deadline_after(kStart, milliseconds(5)), kStart + milliseconds(5));
}

}  // namespace
}  // namespace gatehouse
