#include "telemetry/metrics.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gatehouse::telemetry {
namespace {

constexpr std::uint32_t kOtherMethod = 9;
constexpr std::uint32_t key_of(std::uint32_t method, std::uint32_t status) {
  return (method + 1) << 16 | status;
}

}  // namespace

void Histogram::observe(std::uint64_t us) {
  const auto value = static_cast<std::uint32_t>(std::min<std::uint64_t>(us, std::numeric_limits<std::uint32_t>::max()));
  std::uint32_t place = 0;
  for (const std::uint32_t bound : kLatencyBounds) place += value > bound ? 1 : 0;  // no branches: vectorised
  bump(buckets[place]);
  bump(sum_us, us);
}

void Series::count(std::uint8_t method, int status, std::uint64_t duration_us) {
  const std::uint32_t code = status >= 100 && status <= 599 ? static_cast<std::uint32_t>(status) : 0;
  bump(counts_[place_of(key_of(std::min<std::uint32_t>(method, kOtherMethod), code))]);
  duration_.observe(duration_us);
}

std::size_t Series::place_of(std::uint32_t key) {
  for (std::size_t i = 0; i + 1 < kPairs; ++i) {
    const std::uint32_t seen = keys_[i].load(std::memory_order_relaxed);
    if (seen == key) return i;
    if (seen == 0) {
      keys_[i].store(key, std::memory_order_release);
      return i;
    }
  }
  keys_[kPairs - 1].store(key_of(kOtherMethod, 0), std::memory_order_release);
  return kPairs - 1;
}

WorkerMetrics::~WorkerMetrics() {
  for (auto& slot : table_) {
    Chunk* const chunk = slot.load(std::memory_order_acquire);
    if (chunk == nullptr) continue;
    for (auto& series : *chunk) delete series.load(std::memory_order_acquire);
    delete chunk;
  }
  for (ListenerCounters* at = listeners_.load(std::memory_order_acquire); at != nullptr;) {
    delete std::exchange(at, at->next);
  }
}

Series& WorkerMetrics::make(SeriesId id) {
  if (id >= kMaxSeries) return series(Metrics::kOtherSeries);
  auto& slot = table_[id / kChunk];
  Chunk* chunk = slot.load(std::memory_order_relaxed);
  if (chunk == nullptr) {
    chunk = new Chunk{};
    slot.store(chunk, std::memory_order_release);
  }
  auto* const made = new Series();
  (*chunk)[id % kChunk].store(made, std::memory_order_release);
  return *made;
}

ListenerCounters& WorkerMetrics::listener(std::string_view name) {
  ListenerCounters* const first = listeners_.load(std::memory_order_relaxed);
  for (ListenerCounters* at = first; at != nullptr; at = at->next) {
    if (at->name == name) return *at;
  }
  auto* const made = new ListenerCounters(name);
  made->next = first;
  listeners_.store(made, std::memory_order_release);
  return *made;
}

}  // namespace gatehouse::telemetry
