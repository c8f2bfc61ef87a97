#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "telemetry/samples.h"

namespace gatehouse::telemetry {

/// Upper bounds of the latency histograms, in microseconds; the last bucket is +Inf.
inline constexpr std::array<std::uint32_t, 14> kLatencyBounds{500,       1'000,     2'500,     5'000,     10'000,
                                                              25'000,    50'000,    100'000,   250'000,   500'000,
                                                              1'000'000, 2'500'000, 5'000'000, 10'000'000};

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

  /// For any reader: calls `visit(method, status, requests)` for each pair seen.
  template <class Visit>
  void each_count(Visit&& visit) const {
    for (std::size_t i = 0; i < kPairs; ++i) {
      const std::uint32_t key = keys_[i].load(std::memory_order_acquire);
      if (key != 0) visit((key >> 16) - 1, static_cast<int>(key & 0xffff), counts_[i].load(std::memory_order_relaxed));
    }
  }
  const Histogram& duration() const { return duration_; }
  const Histogram& upstream() const { return upstream_; }

 private:
  /// Pairs in the order in which they were first seen, so that the usual ones are found at once. The last place is kept
  /// for what finds no other: it counts under method OTHER and status 0.
  static constexpr std::size_t kPairs = 32;
  std::size_t place_of(std::uint32_t key);
  std::array<std::atomic<std::uint32_t>, kPairs> keys_{};  ///< (method + 1) << 16 | status, 0 is empty
  std::array<std::atomic<std::uint64_t>, kPairs> counts_{};
  Histogram duration_;
  Histogram upstream_;
};

/// Names a series; stable for the life of the process.
using SeriesId = std::uint32_t;

/// The connections of one listener in one worker. The worker writes, the scrape reads. A connection is active while a
/// request is on it, else idle; one that is handed to another worker is left here and taken there.
struct ListenerCounters {
  explicit ListenerCounters(std::string_view listener) : name(listener) {}
  const std::string name;
  std::atomic<std::uint64_t> accepted{0}, closed{0};                               ///< closed: by either side
  std::atomic<std::uint64_t> active{0}, idle{0};                                   ///< now; for drop() below
  std::atomic<std::uint64_t> handshakes{0}, resumptions{0}, failed_handshakes{0};  ///< TLS; each counts in one
  /// HTTP/2 connections that ended with an error, by its code (RFC 9113 section 7); unknown ones are in [0].
  static constexpr std::size_t kHttp2Errors = 14;
  std::atomic<std::uint64_t> http2_errors[kHttp2Errors] = {};
  ListenerCounters* next = nullptr;
};
/// Takes `n` from a gauge of which this thread is the only writer.
inline void drop(std::atomic<std::uint64_t>& gauge, std::uint64_t n = 1) {
  gauge.store(gauge.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
}

/// What one worker counts. Owned by Metrics; written by its worker alone.
class WorkerMetrics {
 public:
  WorkerMetrics() = default;
  WorkerMetrics(const WorkerMetrics&) = delete;
  WorkerMetrics& operator=(const WorkerMetrics&) = delete;
  ~WorkerMetrics();

  /// The series' counters in this worker; made at the first use (the only allocation, not per request).
  Series& series(SeriesId id) {
    Series* found = find(id);
    return found != nullptr ? *found : make(id);
  }
  /// For any reader: null until the worker used it.
  Series* find(SeriesId id) const {
    if (id >= kMaxSeries) return nullptr;
    const Chunk* chunk = table_[id / kChunk].load(std::memory_order_acquire);
    return chunk != nullptr ? (*chunk)[id % kChunk].load(std::memory_order_acquire) : nullptr;
  }
  void count_error(Reason reason) { bump(errors_[static_cast<std::size_t>(reason)]); }
  std::uint64_t errors(Reason reason) const {
    return errors_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }

  /// The counters of the listener of that name, made at the first use; keep the reference. It lives as long as this.
  ListenerCounters& listener(std::string_view name);
  /// For any reader.
  const ListenerCounters* listeners() const { return listeners_.load(std::memory_order_acquire); }

  /// Over all listeners; log_dropped: access log lines lost before a sink saw them.
  std::atomic<std::uint64_t> accepted{0}, closed{0}, log_dropped{0};

  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kMaxSeries = kChunk * 1024;

 private:
  using Chunk = std::array<std::atomic<Series*>, kChunk>;
  Series& make(SeriesId id);
  std::array<std::atomic<Chunk*>, kMaxSeries / kChunk> table_{};
  std::array<std::atomic<std::uint64_t>, kReasonCount> errors_{};
  std::atomic<ListenerCounters*> listeners_{nullptr};
};

/// All that the gateway counts. Workers write to a WorkerMetrics of their own; whoever scrapes sums them. Made once a
/// process and outlives the workers. Every member may be called from any control thread at any time, never from a
/// worker.
class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  /// Pairs of route and service that get a series of their own; those beyond share one with route="(other)".
  static constexpr std::size_t kMaxPairs = 100'000;
  static constexpr SeriesId kOtherSeries = 0;
  /// The series of that pair: the same one whenever asked, so counters go on after a reload. Names are never forgotten.
  SeriesId series(std::string_view route, std::string_view service);

  /// The counters of one more worker; they live as long as this.
  WorkerMetrics& add_worker();

  /// The outcome of a load or reload; `version` is that of the configuration in use now.
  void set_config(std::uint64_t version, bool successful);

  /// `hook` is called at each scrape, on the scraping thread, to add what is known elsewhere: gauges of pools, health.
  /// Hooks may run at the same time and live as long as this.
  void on_scrape(std::function<void(Samples&)> hook);

  /// Everything as text for a Prometheus server (format 0.0.4), in a stable order.
  std::string expose() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse::telemetry
