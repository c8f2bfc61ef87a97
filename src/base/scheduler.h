#pragma once
#include <coroutine>

#include "base/error.h"
#include "base/task.h"
#include "base/timer_wheel.h"

namespace gatehouse {

class Scheduler;
class Scope;
class Wait;

/// How a wait ended.
enum class Outcome : std::uint8_t {
  ready,      ///< the signal fired
  timeout,    ///< the deadline passed
  cancelled,  ///< the scope was cancelled; its reason says why
};

/// A slot for the one who waits for an event: a socket becoming readable, a stream's window opening, a job ending.
/// It has no memory: the waiter tries first and waits only when blocked. One thread.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal();
  /// Wakes the waiter, if there is one, from the scheduler's loop (never from inside this call).
  inline void notify();
  bool awaited() const { return waiter_ != nullptr; }

 private:
  friend class Wait;
  friend class Scheduler;
  Wait* waiter_ = nullptr;
};

/// One wait for a signal, a deadline, a cancellation, whichever comes first. It sits in the coroutine frame (or in an
/// object, with a callback) and unlinks itself from everything when destroyed.
class Wait {
 public:
  using Fire = void (*)(Wait&);

  explicit Wait(Fire fire) : fire_(fire) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { detach(); }

  /// Starts to wait, leaving what it waited for before; `fire` is called once from the scheduler's loop. `signal` and
  /// `scope` may be null. With a scope that is cancelled already the wait ends in this turn of the loop.
  void attach(Scheduler& scheduler, Signal* signal, Scope* scope, TimePoint deadline);
  void detach() {
    if (signal_ != nullptr) {
      signal_->waiter_ = nullptr;
      signal_ = nullptr;
    }
    timer_.hook.unlink();
    scope_hook_.unlink();
    ready_hook_.unlink();
  }
  Outcome outcome() const { return outcome_; }

 private:
  friend class Scheduler;
  friend class Scope;
  friend class Signal;

  TimerEntry timer_;  // first: the wheel hands back its address
  ListHook scope_hook_;
  ListHook ready_hook_;
  Signal* signal_ = nullptr;
  Scheduler* scheduler_ = nullptr;
  Fire fire_;
  Outcome outcome_ = Outcome::ready;
};

/// What an exchange's waits have in common: a reason to stop. Cancelling resumes every wait with
/// Outcome::cancelled; later waits end at once. One thread.
class Scope {
 public:
  explicit Scope(Scheduler& scheduler) : scheduler_(scheduler) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  void cancel(Reason reason);
  bool cancelled() const { return reason_ != Reason::none; }
  Reason reason() const { return reason_; }
  Scheduler& scheduler() const { return scheduler_; }

 private:
  friend class Wait;
  Scheduler& scheduler_;
  List<Wait, &Wait::scope_hook_> waits_;
  Reason reason_ = Reason::none;
};

/// The timed half of an event loop, without any I/O: what is ready, what is due, what time it is. A reactor drives one
/// with epoll; tests drive one with a clock of their own. One thread.
class Scheduler {
 public:
  explicit Scheduler(TimePoint now) : now_(now), wheel_(now) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The time of this turn of the loop.
  TimePoint now() const { return now_; }
  /// Sets the time and moves what is due to the ready list.
  void advance(TimePoint now);
  /// Resumes what is ready, including what becomes ready meanwhile, up to a bound per call so that I/O is not starved.
  /// Returns whether anything is left.
  bool run_ready();
  bool idle() const { return ready_.empty() && later_.empty(); }
  /// How long the loop may sleep; zero if something is ready.
  Duration sleep_for() const { return idle() ? wheel_.next(now_) : Duration::zero(); }

  /// Marks `wait` as ended with `outcome` and queues it.
  void complete(Wait& wait, Outcome outcome) {
    end(wait, outcome);
    ready_.push_back(wait);
  }
  /// The same, but for the next turn: after whatever the loop has to do meanwhile.
  void complete_next_turn(Wait& wait, Outcome outcome) {
    end(wait, outcome);
    later_.push_back(wait);
  }

 private:
  friend class Wait;
  static void end(Wait& wait, Outcome outcome) {
    if (wait.signal_ != nullptr) {
      wait.signal_->waiter_ = nullptr;
      wait.signal_ = nullptr;
    }
    wait.timer_.hook.unlink();
    wait.scope_hook_.unlink();
    wait.outcome_ = outcome;
  }

  TimePoint now_;
  TimerWheel wheel_;
  List<Wait, &Wait::ready_hook_> ready_, later_;
};

inline void Signal::notify() {
  if (waiter_ != nullptr) waiter_->scheduler_->complete(*waiter_, Outcome::ready);
}
inline Signal::~Signal() {
  if (waiter_ != nullptr) waiter_->signal_ = nullptr;
}

/// `co_await until(signal, scope, deadline)` gives the Outcome. At most one waiter a signal.
class [[nodiscard]] until {
 public:
  until(Signal& signal, Scope& scope, TimePoint deadline)
      : wait_(&resume), signal_(&signal), scope_(scope), deadline_(deadline) {}
  /// Waits for nothing but the deadline.
  until(Scope& scope, TimePoint deadline) : wait_(&resume), signal_(nullptr), scope_(scope), deadline_(deadline) {}

  bool await_ready() const noexcept { return scope_.cancelled(); }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    wait_.attach(scope_.scheduler(), signal_, &scope_, deadline_);
  }
  Outcome await_resume() const noexcept { return scope_.cancelled() ? Outcome::cancelled : wait_.outcome(); }

 private:
  static void resume(Wait& wait) { reinterpret_cast<until&>(wait).handle_.resume(); }
  Wait wait_;  // first: resume() gets back its address
  std::coroutine_handle<> handle_;
  Signal* signal_;
  Scope& scope_;
  TimePoint deadline_;
};

/// `co_await next_turn(scope)` lets the loop do its other work and goes on in its next turn: for who could go on for
/// ever because its peers are never slower than it.
class [[nodiscard]] next_turn {
 public:
  explicit next_turn(Scope& scope) : wait_(&resume), scope_(scope) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    scope_.scheduler().complete_next_turn(wait_, Outcome::ready);
  }
  void await_resume() const noexcept {}

 private:
  static void resume(Wait& wait) { reinterpret_cast<next_turn&>(wait).handle_.resume(); }
  Wait wait_;  // first: resume() gets back its address
  std::coroutine_handle<> handle_;
  Scope& scope_;
};

/// A task that runs beside its owner: started at once, joined through `finished()`, cancelled by destroying it.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  /// Runs `task` until it first suspends. The Job must stay where it is until done.
  void start(Task<void> task);
  bool running() const { return task_.valid() && !done_; }
  /// Notified when the task ends; try running() first.
  Signal& finished() { return finished_; }
  /// Cancels: destroys the suspended task. Not from inside it.
  void stop() { task_ = {}; }

 private:
  static Task<void> run(Job& job, Task<void> inner);
  Task<void> task_;
  Signal finished_;
  bool done_ = false;
};

}  // namespace gatehouse
