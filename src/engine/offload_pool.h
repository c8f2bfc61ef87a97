#pragma once
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/worker.h"
#include "plugin/offload.h"

namespace gatehouse::engine {

/// Threads that take work off the workers. Each has a reactor, whose inbox is its queue: no locks. Made and destroyed
/// on the control thread, when the workers are there and, at the end, no longer run.
class OffloadPool final : public plugin::Offload {
 public:
  /// So much may wait or run at a time; what comes on top is refused.
  static constexpr unsigned kMost = 64;

  /// `workers` outlives it.
  OffloadPool(const std::vector<std::unique_ptr<Worker>>& workers, unsigned threads);
  ~OffloadPool() override;
  OffloadPool(const OffloadPool&) = delete;
  OffloadPool& operator=(const OffloadPool&) = delete;

  bool submit(unsigned worker, std::unique_ptr<plugin::Work> work) const override;

 private:
  struct Lane {
    io::Reactor reactor;
    std::atomic<unsigned> waiting{0};  ///< with what runs
    std::thread thread;
  };
  void run(Lane& lane, unsigned worker, std::unique_ptr<plugin::Work> work) const;

  const std::vector<std::unique_ptr<Worker>>& workers_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  mutable std::atomic<unsigned> count_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace gatehouse::engine
