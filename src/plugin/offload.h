#pragma once
#include <memory>

namespace gatehouse::plugin {

/// Something that takes too long for a worker's thread, such as the hash of a password.
class Work {
 public:
  virtual ~Work() = default;
  /// On another thread: touches nothing but what the work alone has.
  virtual void run() noexcept = 0;
  /// Behind run(), on the thread of the worker that submitted it, whether or not anybody still waits; not where the
  /// gateway ends meanwhile.
  virtual void finish() noexcept = 0;
};

/// Threads for such work, the same for all workers. Implemented by the engine; any worker's thread.
class Offload {
 public:
  virtual ~Offload() = default;
  /// Takes `work` for the worker of that index. False: too much is waiting already, and `work` is gone.
  virtual bool submit(unsigned worker, std::unique_ptr<Work> work) const = 0;
};

}  // namespace gatehouse::plugin
