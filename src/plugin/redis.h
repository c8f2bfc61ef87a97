#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/redis_reply.h"
#include "base/task.h"

namespace gatehouse::plugin {

class Exchange;

/// The Redis of the configuration (`redis`), as a plugin asks it in an async hook: each worker has connections of its
/// own, which all exchanges share. Answers are in the exchange's arena, and asking ends with the exchange's scope.
/// Implemented by the engine; the exchange's worker's thread.
class Redis {
 public:
  using Arguments = std::span<const std::string_view>;
  virtual ~Redis() = default;

  /// A script for eval(). Control thread, while a plugin is built.
  virtual RedisScript script(std::string text) const = 0;
  /// Runs `script` in one round trip. In a cluster all keys must be in one slot: they have a hash tag ("{…}") in
  /// common. What is passed in outlives the wait.
  virtual Task<RedisResult> eval(Exchange& exchange, const RedisScript& script, Arguments keys,
                                 Arguments arguments) const = 0;
  /// Told what became of a script, in the loop or from within the call that sends it. The answer holds for the call.
  using Then = std::move_only_function<void(const RedisResult&)>;
  /// Runs `script`, and the exchange does not wait for what becomes of it: it goes on when the exchange is over. What
  /// is passed in is copied. With thousands of such under way it is left out, as `overloaded`. Where there is no loop,
  /// or it ends, nobody is told.
  virtual void send(const Exchange& exchange, std::shared_ptr<const RedisScript> script, Arguments keys,
                    Arguments arguments, Then then = {}) const = 0;
  /// Sends one command: its name, then its arguments. In a cluster the first argument is its key.
  virtual Task<RedisResult> command(Exchange& exchange, Arguments words) const = 0;
};

}  // namespace gatehouse::plugin
