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
  using Found = rate_limiting::Found;
  using Rule = rate_limiting::Rule;

  /// Keys begin with `space`; `limiter` tells the plugin from all others, `names` its quotas. The configuration has a
  /// Redis. Control thread.
  RedisQuotas(const std::string& space, const std::string& limiter, std::span<const std::string> names,
              bool fault_tolerant, plugin::BuildContext& context);

  enum class Result : std::uint8_t {
    known,
    unknown,    ///< the Redis has not said
    cancelled,  ///< the exchange ends
  };
  /// What is counted of each quota, into `found` by quota, in one round trip. `rules` are by quota.
  Task<Result> look(plugin::Exchange& x, std::string_view identity, std::span<const Rule> rules,
                    std::span<Found> found) const;
  /// Counts what an answer takes; nobody waits for it.
  void spend(plugin::Exchange& x, std::string_view identity, std::size_t quota, const Rule& rule,
             std::uint64_t cost) const;

 private:
  std::vector<rate_limiting::RedisStore> stores_;  ///< by quota
  const std::shared_ptr<rate_limiting::RedisWatch> watch_;
  const bool fault_tolerant_;
};

}  // namespace gatehouse::plugins::response_ratelimiting
