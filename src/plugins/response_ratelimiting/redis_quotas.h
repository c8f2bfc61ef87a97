#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/build_context.h"
#include "plugins/rate_limiting/redis_store.h"
#include "plugins/rate_limiting/redis_watch.h"

namespace gatehouse::plugins::response_ratelimiting {

/// Counts of quotas in a Redis: those of all gateways that have the same plugin. Immutable; any worker.
class RedisQuotas {
 public:
  using Decision = rate_limiting::Decision;
  using Rule = rate_limiting::Rule;
  using Act = rate_limiting::Act;

  /// Keys begin with `space`; `limiter` tells the plugin from all others, `names` its quotas. The configuration has a
  /// Redis. Control thread.
  RedisQuotas(const std::string& space, const std::string& limiter, std::span<const std::string> names,
              bool fault_tolerant, plugin::BuildContext& context);

  enum class Result : std::uint8_t {
    decided,
    unknown,    ///< the Redis has not said of all
    cancelled,  ///< the exchange ends
  };
  /// What the keys of an identity begin with, by quota, in the exchange's arena.
  std::span<const std::string_view> names_of(plugin::Exchange& x, std::string_view identity) const;
  /// Decides on each quota, into `to`, all in one round trip; `names`, `rules`, `costs` and `to` are by quota. With
  /// Act::take each that has enough left is spent, whatever the others have.
  Task<Result> decide(plugin::Exchange& x, std::span<const std::string_view> names, std::span<const Rule> rules,
                      std::span<const std::uint64_t> costs, Act act, std::span<Decision> to) const;

 private:
  std::vector<rate_limiting::RedisStore> stores_;  ///< by quota
  const std::shared_ptr<rate_limiting::RedisWatch> watch_;
  const bool fault_tolerant_;
};

}  // namespace gatehouse::plugins::response_ratelimiting
