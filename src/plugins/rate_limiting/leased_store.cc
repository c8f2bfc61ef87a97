#include "plugins/rate_limiting/leased_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace gatehouse::plugins::rate_limiting {
namespace {

/// An answer that has not come for so long never will.
constexpr std::int64_t kLost = 10'000'000;

std::size_t place(const Limit& limit) {
  return static_cast<std::size_t>(limit.period);
}

/// Less than `length` from `then`; before it too, as workers do not read the clock in the order in which they come
/// here.
bool is_within(std::int64_t then, std::int64_t length, std::int64_t now) {
  return then != 0 && std::abs(now - then) < length;
}

/// What is owed of a window that is over is of no use to a fixed one, nor where something is owed of a later one.
bool is_void(const Rule& rule, std::size_t at, const Late& owed, const Late& later, std::int64_t now) {
  const bool fixed = rule.algorithm == Algorithm::fixed_window;
  if (!fixed && rule.algorithm != Algorithm::sliding_window) return false;
  return window_of(rule.limits[at].period, owed.mark).end <= now && (fixed || later.amount != 0);
}

}  // namespace

template <class Step>
bool LeasedStore::with_lease(const Hash128& key, const Rule& rule, std::int64_t now, Step step) {
  const std::size_t most = ShardedTable<Lease>::most_of_part(most_.load(std::memory_order_relaxed));
  return table_.with(key, [&](auto& shard, std::size_t) {
    if (!shard.reserve({&key, 1}, now, most)) return false;
    auto& entry = shard.entry(key, now);
    Lease& lease = entry.value;
    std::array<Count*, kPeriods> counts;
    for (std::size_t i = 0; i < rule.limits.size(); ++i) counts[i] = &lease.counts[place(rule.limits[i])];
    step(lease, std::span<Count* const>(counts.data(), rule.limits.size()));
    std::int64_t until =
        std::max(lease.answered_us + interval_us_.load(std::memory_order_relaxed), lease.asked_us + kLost);
    for (std::size_t i = 0; i < rule.limits.size(); ++i)
      until = std::max(until, kept_until(rule.algorithm, rule.limits[i], *counts[i], now));
    entry.expires = std::max<std::int64_t>(until, 1);
    return true;
  });
}

/// In the window of now, with what may still be owed of the one before.
void LeasedStore::owe(Lease& lease, const Rule& rule, std::uint64_t cost) {
  for (const Limit& limit : rule.limits) {
    Late& owed = lease.owed[place(limit)];
    owed.mark = lease.counts[place(limit)].mark;
    owed.amount += static_cast<std::int64_t>(cost);
  }
}

std::optional<Decision> LeasedStore::decide(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act,
                                            std::int64_t now, Question& question) {
  std::optional<Decision> decision;
  with_lease(key, rule, now, [&](Lease& lease, std::span<Count* const> counts) {
    const bool windows = rule.algorithm == Algorithm::fixed_window || rule.algorithm == Algorithm::sliding_window;
    bool known = is_within(lease.answered_us, interval_us_.load(std::memory_order_relaxed), now);
    // Of a window that has begun since, nothing is known.
    for (const Limit& limit : rule.limits)
      known = known && !(windows && now >= window_of(limit.period, lease.answered_us).end);
    if (known || is_within(lease.asked_us, kLost, now)) {
      decision = rate_limiting::decide(rule, counts, cost, act, now);
      if (act != Act::look && !decision->refused) owe(lease, rule, cost);
      return;
    }
    lease.asked_us = now;
    for (std::size_t i = 0; i < rule.limits.size(); ++i)
      question.owed[i] = std::exchange(lease.owed[place(rule.limits[i])], Late{});
    question.decision = rate_limiting::decide(rule, counts, cost, act, now);  // others see it as well
  });
  return decision;
}

void LeasedStore::settle(const Hash128& key, const Rule& rule, const Found& found) {
  with_lease(key, rule, found.now_us, [&](Lease& lease, std::span<Count* const> counts) {
    std::array<Late, kPeriods> since{};
    for (std::size_t i = 0; i < rule.limits.size(); ++i) {
      *counts[i] = found.counts[i];
      since[i] = lease.owed[place(rule.limits[i])];
    }
    add_late(rule, counts, std::span(since).first(rule.limits.size()), found.now_us);
    lease.answered_us = found.now_us;
    lease.asked_us = 0;
  });
}

std::optional<Decision> LeasedStore::put_back(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act,
                                              std::int64_t now, const Question& question) {
  std::optional<Decision> decision;
  with_lease(key, rule, now, [&](Lease& lease, std::span<Count* const> counts) {
    for (std::size_t i = 0; i < rule.limits.size(); ++i) {
      Late& to = lease.owed[place(rule.limits[i])];
      const Late& owed = question.owed[i];
      if (owed.amount == 0 || is_void(rule, i, owed, to, now)) continue;
      to = {to.amount != 0 ? to.mark : owed.mark, owed.amount + to.amount};
    }
    lease.answered_us = now;
    lease.asked_us = 0;
    decision = question.decision;
    if (act != Act::look && !decision->refused) owe(lease, rule, cost);
  });
  return decision;
}

std::optional<Decision> LeasedStore::charge(const Hash128& key, const Rule& rule, std::uint64_t cost,
                                            std::int64_t now) {
  std::optional<Decision> decision;
  with_lease(key, rule, now, [&](Lease& lease, std::span<Count* const> counts) {
    decision = rate_limiting::charge(rule, counts, cost, now);
    owe(lease, rule, cost);
  });
  return decision;
}

}  // namespace gatehouse::plugins::rate_limiting
