#pragma once
#include <atomic>
#include <memory>

#include "base/redis_reply.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::rate_limiting {

/// Counts decisions that the Redis did not make, and says in the log when that begins and ends. One for the process;
/// any thread.
class RedisWatch {
 public:
  RedisWatch(std::shared_ptr<plugin::Counter> local, std::shared_ptr<plugin::Counter> errors)
      : local_(std::move(local)), errors_(std::move(errors)) {}
  /// The process' own. Control thread.
  static std::shared_ptr<RedisWatch> of(plugin::BuildContext& context);

  void answered() {
    if (failing_.load(std::memory_order_relaxed) && failing_.exchange(false)) say_answered();
  }
  /// `local`: this process decides instead, otherwise the request is refused.
  void failed(const RedisError& error, bool local) {
    (local ? local_ : errors_)->add();
    if (!failing_.load(std::memory_order_relaxed) && !failing_.exchange(true)) say_failed(error, local);
  }

 private:
  static void say_answered();
  static void say_failed(const RedisError& error, bool local);

  const std::shared_ptr<plugin::Counter> local_, errors_;
  std::atomic<bool> failing_{false};
};

}  // namespace gatehouse::plugins::rate_limiting
