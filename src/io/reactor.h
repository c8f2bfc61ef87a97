#pragma once
#include <atomic>
#include <functional>

#include "base/scheduler.h"
#include "io/descriptor.h"

namespace gatehouse::io {

/// One thread's event loop: epoll, a Scheduler, and an inbox through which other threads hand it work.
///
/// A turn waits for events, reads the clock once, notes what became ready (running nothing, so that no event of the
/// turn can meet an object that another one ended), then runs posted functions and resumes what is ready.
class Reactor {
 public:
  /// Throws std::system_error if the kernel gives no descriptors: at start only.
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// Runs until stop(). On the thread that owns everything attached here.
  void run();
  /// Ends run() after the current turn. Owner's thread.
  void stop() { stopping_ = true; }
  /// Runs `work` on the reactor's thread in its next turn. Any thread; never blocks. What is still queued when the
  /// reactor is destroyed is destroyed unrun.
  void post(std::move_only_function<void()> work);

  Scheduler& scheduler() { return scheduler_; }
  TimePoint now() const { return scheduler_.now(); }
  int epoll_fd() const { return epoll_; }

 private:
  struct Letter {
    std::move_only_function<void()> work;
    Letter* next = nullptr;
  };
  void turn();
  void read_inbox();

  int epoll_ = -1;
  int event_ = -1;
  bool stopping_ = false;
  Scheduler scheduler_;
  alignas(64) std::atomic<Letter*> inbox_{nullptr};
};

}  // namespace gatehouse::io
