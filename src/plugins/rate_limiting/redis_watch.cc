#include "plugins/rate_limiting/redis_watch.h"

#include <fmt/format.h>

#include "base/log.h"

namespace gatehouse::plugins::rate_limiting {

void RedisWatch::say_answered() {
  GH_LOG_LIMITED(info, 1, "rate-limiting: the Redis answers again and decides");
}

void RedisWatch::say_failed(const RedisError& error, bool local) {
  GH_LOG_LIMITED(warn, 1, "rate-limiting: the Redis does not answer ({}): {}", error.text,
                 local ? "this process decides by itself" : "requests are answered with 500");
}

}  // namespace gatehouse::plugins::rate_limiting
