#include "plugins/rate_limiting/redis_watch.h"

#include <fmt/format.h>

#include "base/log.h"

namespace gatehouse::plugins::rate_limiting {

std::shared_ptr<RedisWatch> RedisWatch::of(plugin::BuildContext& context) {
  const auto counter = [&](std::string_view result) {
    return context.counter("gatehouse_ratelimit_redis_fallbacks_total",
                           "Decisions on limits and quotas that the Redis was to make and did not, by who made them.",
                           {"result", result});
  };
  return context.process<RedisWatch>("rate-limiting",
                                     [&] { return std::make_shared<RedisWatch>(counter("local"), counter("error")); });
}

void RedisWatch::say_answered() {
  GH_LOG_LIMITED(info, 1, "limits: the Redis answers again and decides");
}

void RedisWatch::say_failed(const RedisError& error, bool local) {
  GH_LOG_LIMITED(warn, 1, "limits: the Redis does not answer ({}): {}", error.text,
                 local ? "this process decides by itself" : "requests are answered with 500");
}

}  // namespace gatehouse::plugins::rate_limiting
