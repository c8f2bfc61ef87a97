#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gatehouse::telemetry {

/// Upper bounds of the latency histograms, in microseconds; the last bucket is +Inf.
inline constexpr std::array<std::uint32_t, 14> kLatencyBounds{
    500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

/// Adds `n` to a counter of which this thread is the only writer.
inline void bump(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

/// A histogram with one writer and any number of readers.
struct Histogram {
  std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> buckets{};
  std::atomic<std::uint64_t> sum_us{0};
  void observe(std::uint64_t us);
};

/// One route-and-service pair in one worker: requests by method and status, and two latencies.
/// The worker writes, the scrape reads; no locks.
class Series {
 public:
  /// `method` is an http::Method's number (0 … 9); statuses outside 100 … 599 count as 0.
  void count(std::uint8_t method, int status, std::uint64_t duration_us);
  void count_upstream(std::uint64_t duration_us) { upstream_.observe(duration_us); }

 private:
  friend class Metrics;
  /// Pairs seen so far; the most common ones come first and are found at once. Full: counted under status 0.
  static constexpr std::size_t kPairs = 32;
  std::array<std::atomic<std::uint32_t>, kPairs> keys_{};  ///< method << 16 | status, 0 is empty
  std::array<std::atomic<std::uint64_t>, kPairs> counts_{};
  Histogram duration_;
  Histogram upstream_;
};

/// Names a series; stable while any snapshot uses it.
using SeriesId = std::uint32_t;

/// What one worker counts. Owned by Metrics; written by its worker alone.
class WorkerMetrics {
 public:
  /// The series' counters in this worker; made at the first use (the only allocation, not per request).
  Series& series(SeriesId id) {
    Series* found = id < kMaxSeries ? table_[id / kChunk].load(std::memory_order_acquire) != nullptr
                                          ? (*table_[id / kChunk].load(std::memory_order_relaxed))[id % kChunk].load(std::memory_order_acquire)
                                          : nullptr
                                    : nullptr;
    return found != nullptr ? *found : make(id);
  }
  void count_error(Reason reason) { bump(errors_[static_cast<std::size_t>(reason)]); }

  /// Connections of a listener (index as in ListenerNames) by state.
  enum class ConnectionState : std::uint8_t { active, idle };
  std::atomic<std::uint64_t> accepted{0}, closed{0}, log_dropped{0};
  std::atomic<std::uint64_t> upstream_opened{0}, upstream_closed{0}, upstream_reused{0};

  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kMaxSeries = kChunk * 1024;

 private:
  friend class Metrics;
  using Chunk = std::array<std::atomic<Series*>, kChunk>;
  Series& make(SeriesId id);
  std::array<std::atomic<Chunk*>, 1024> table_{};
  std::array<std::atomic<std::uint64_t>, kReasonCount> errors_{};
};

}  // namespace gatehouse::telemetry
