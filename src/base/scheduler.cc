#include "base/scheduler.h"

namespace gatehouse {

void Wait::attach(Scheduler& scheduler, Signal* signal, Scope* scope, TimePoint deadline) {
  detach();
  scheduler_ = &scheduler;
  if (scope != nullptr && scope->cancelled()) {
    scheduler.complete(*this, Outcome::cancelled);
    return;
  }
  signal_ = signal;
  if (signal != nullptr) signal->waiter_ = this;
  if (scope != nullptr) scope->waits_.push_back(*this);
  if (deadline != kNever) scheduler.wheel_.arm(timer_, deadline);
}

void Scope::cancel(Reason reason) {
  if (reason_ == Reason::none) reason_ = reason;
  waits_.each([this](Wait& wait) { scheduler_.complete(wait, Outcome::cancelled); });
}

void Scheduler::advance(TimePoint now) {
  if (now > now_) now_ = now;
  ready_.splice(later_);
  wheel_.advance(now_, [this](TimerEntry& entry) {
    // The timer is a Wait's first member.
    complete(reinterpret_cast<Wait&>(entry), Outcome::timeout);
  });
}

bool Scheduler::run_ready() {
  constexpr int kMostPerTurn = 1024;
  for (int i = 0; i < kMostPerTurn && !ready_.empty(); ++i) {
    Wait& wait = ready_.pop_front();
    wait.fire_(wait);
  }
  return !ready_.empty();
}

Task<void> Job::run(Job& job, Task<void> inner) {
  co_await inner;
  job.done_ = true;
  job.finished_.notify();
}

void Job::start(Task<void> task) {
  done_ = false;
  task_ = run(*this, std::move(task));
  task_.start();
}

}  // namespace gatehouse
