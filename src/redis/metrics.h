#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/redis_reply.h"

namespace gatehouse::redis {

/// Upper bounds of the latency histogram in microseconds; the last bucket is without one.
inline constexpr std::array<std::uint32_t, 10> kLatencyBounds{250,    500,    1'000,  2'500,   5'000,
                                                              10'000, 25'000, 50'000, 100'000, 250'000};

/// What one client counts. Its worker writes, anybody reads.
struct Counters {
  static constexpr std::size_t kResults = 6;
  /// The words of each result, as in gatehouse_redis_commands_total: a value, then the faults in their order.
  static constexpr const char* kResultNames[kResults] = {"ok",         "unavailable",  "timeout",
                                                         "overloaded", "server_error", "cancelled"};
  std::atomic<std::uint64_t> commands[kResults] = {};
  std::atomic<std::uint64_t> connected{0};          ///< connections that stand now
  std::atomic<std::uint64_t> opened{0}, failed{0};  ///< attempts to connect, by what became of them
  std::atomic<std::uint64_t> latency[kLatencyBounds.size() + 1] = {};
  std::atomic<std::uint64_t> latency_sum_us{0};

  static void add(std::atomic<std::uint64_t>& to, std::uint64_t n = 1) {
    to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// A command has ended after `took`; where a server answered, that counts.
  void count(const RedisResult& result, Duration took);
};

}  // namespace gatehouse::redis
