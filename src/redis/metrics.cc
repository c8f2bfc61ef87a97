#include "redis/metrics.h"

#include <algorithm>

namespace gatehouse::redis {

void Counters::count(const RedisResult& result, Duration took) {
  const std::size_t which = result ? 0 : 1 + static_cast<std::size_t>(result.error().fault);
  add(commands[which]);
  if (!result && result.error().fault != RedisError::Fault::server) return;
  const auto us = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  const auto bucket = std::ranges::lower_bound(kLatencyBounds, us) - kLatencyBounds.begin();
  add(latency[static_cast<std::size_t>(bucket)]);
  add(latency_sum_us, us);
}

}  // namespace gatehouse::redis
