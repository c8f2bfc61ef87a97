#include "plugins/rate_limiting/store.h"

#include <limits>

namespace gatehouse::plugins::rate_limiting {
namespace {

/// Spreads the counts of one key over its part of the table.
Hash128 key_of(const Hash128& key, Period period) {
  return {key.high, key.low + (static_cast<std::uint64_t>(period) + 1) * 0x9e3779b97f4a7c15};
}

/// Whom a full table has no room for. It has a count of each period, and room for those that a rule asks for besides,
/// as the table takes all of them for new where one is: it never runs out.
constexpr Hash128 kCrowd{1, 1};
constexpr std::size_t kCrowdRoom = 2 * kPeriods;

}  // namespace

template <class Step>
Decision LocalStore::with_counts(const Hash128& key, const Rule& rule, std::int64_t now, Step step) {
  const std::size_t size = rule.limits.size();
  Decision decision;
  const auto run = [&](const Hash128& home, std::size_t most) {
    return [&, home, most](auto& shard, std::size_t) {
      std::array<Hash128, kPeriods> keys;
      for (std::size_t i = 0; i < size; ++i) keys[i] = key_of(home, rule.limits[i].period);
      if (!shard.reserve({keys.data(), size}, now, most)) return false;
      std::array<ShardedTable<Count>::Shard::Entry*, kPeriods> entries;
      std::array<Count*, kPeriods> counts;
      for (std::size_t i = 0; i < size; ++i) {
        entries[i] = &shard.entry(keys[i], now);
        counts[i] = &entries[i]->value;
      }
      decision = step(std::span<Count* const>(counts.data(), size));
      for (std::size_t i = 0; i < size; ++i) {
        const std::int64_t until = kept_until(rule.algorithm, rule.limits[i], *counts[i], now);
        entries[i]->expires = std::max<std::int64_t>(until, 1);
      }
      return true;
    };
  };
  const std::size_t most = ShardedTable<Count>::most_of_part(most_.load(std::memory_order_relaxed));
  const bool counted = table_.with(key, run(key, most)) || crowd_.with(kCrowd, run(kCrowd, kCrowdRoom));
  if (!counted) decision.refused = true;  // nobody passes uncounted
  return decision;
}

Decision LocalStore::decide(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act, std::int64_t now) {
  return with_counts(key, rule, now, [&](std::span<Count* const> counts) {
    return rate_limiting::decide(rule, counts, cost, act, now);
  });
}

Decision LocalStore::charge(const Hash128& key, const Rule& rule, std::uint64_t cost, std::int64_t now) {
  return with_counts(key, rule, now,
                     [&](std::span<Count* const> counts) { return rate_limiting::charge(rule, counts, cost, now); });
}

namespace {
// Entries that are under way never end by time: the clock of this table stands still at 1.
constexpr std::int64_t kAlways = 1;
constexpr std::int64_t kInUse = std::numeric_limits<std::int64_t>::max();
}  // namespace

bool Connections::take(const Hash128& key, std::uint32_t most) {
  return table_.with(key, [&](auto& shard, std::size_t) {
    if (!shard.reserve({&key, 1}, kAlways, std::numeric_limits<std::size_t>::max() / 8)) return false;
    auto& entry = shard.entry(key, kAlways);
    if (entry.value >= most) {
      entry.expires = entry.value != 0 ? kInUse : kAlways;
      return false;
    }
    ++entry.value;
    entry.expires = kInUse;
    return true;
  });
}

void Connections::give_back(const Hash128& key) {
  table_.with(key, [&](auto& shard, std::size_t) {
    auto& entry = shard.entry(key, kAlways);
    --entry.value;
    entry.expires = entry.value != 0 ? kInUse : kAlways;
  });
}

}  // namespace gatehouse::plugins::rate_limiting
