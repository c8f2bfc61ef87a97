#pragma once
#include <functional>
#include <thread>
#include <vector>

#include "engine/worker.h"

namespace gatehouse::engine {

/// The workers and their threads. Control thread.
class Workforce {
 public:
  /// Makes the workers; their threads start with start(), so that they can be prepared before.
  Workforce(io::Reactor& control, unsigned count, telemetry::Metrics& metrics);
  ~Workforce() { stop(); }
  Workforce(const Workforce&) = delete;
  Workforce& operator=(const Workforce&) = delete;

  void start();
  /// Ends the threads after the turn that they are in; waits for that.
  void stop();
  /// Runs `work` on each worker's thread; `then`, if there is one, on the control thread when all have.
  void each(const std::function<void(Worker&)>& work, std::move_only_function<void()> then = nullptr);

  Shared& shared() { return shared_; }
  std::vector<io::Reactor*> reactors() const;
  std::uint32_t connections() const { return shared_.connections.load(std::memory_order_relaxed); }

 private:
  io::Reactor& control_;
  Shared shared_;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse::engine
