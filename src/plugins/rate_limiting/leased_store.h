#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/sharded_table.h"
#include "plugins/rate_limiting/limiter.h"
#include "plugins/rate_limiting/redis_store.h"

namespace gatehouse::plugins::rate_limiting {

/// `sync_rate`: what a process knows of the counts in a Redis, and what it has let pass since it last asked. For an
/// interval after an answer it decides by itself; the first request after that asks, and brings what is owed. All
/// together let pass no more than the limit and what each gateway lets pass between two answers. Any thread.
///
/// Bounded like LocalStore; for whom there is no room the Redis is asked each time.
class LeasedStore {
 public:
  LeasedStore(std::size_t most, std::int64_t interval_us) : most_(most), interval_us_(interval_us) {}
  /// From now on.
  void set(std::size_t most, std::int64_t interval_us) {
    most_.store(most, std::memory_order_relaxed);
    interval_us_.store(interval_us, std::memory_order_relaxed);
  }

  /// What the Redis is to be asked and told.
  struct Question {
    std::array<Late, kPeriods> owed;  ///< by limit
    Decision decision;                ///< by what is known, if it does not answer
  };

  /// The decision, or nothing: the Redis is to be asked the `question`, and settle() or put_back() called then. Who
  /// comes meanwhile is decided by what is known.
  std::optional<Decision> decide(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act, std::int64_t now_us,
                                 Question& question);
  /// The Redis' counts, with what was owed and the request that asked.
  void settle(const Hash128& key, const Rule& rule, const Found& found);
  /// The Redis did not answer: this process decides, and goes on to for an interval. Nothing: there is no room.
  std::optional<Decision> put_back(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act,
                                   std::int64_t now_us, const Question& question);
  /// Counts afterwards. Nothing: there is no room.
  std::optional<Decision> charge(const Hash128& key, const Rule& rule, std::uint64_t cost, std::int64_t now_us);

 private:
  struct Lease {
    std::array<Count, kPeriods> counts;  ///< by period, with what is owed
    std::array<Late, kPeriods> owed;     ///< the same
    std::int64_t answered_us = 0;        ///< when the Redis last answered, or failed to
    std::int64_t asked_us = 0;           ///< when it was asked, until it answers; 0: it is not
  };
  template <class Step>
  bool with_lease(const Hash128& key, const Rule& rule, std::int64_t now_us, Step step);
  static void owe(Lease& lease, const Rule& rule, std::uint64_t cost);

  std::atomic<std::size_t> most_;
  std::atomic<std::int64_t> interval_us_;
  ShardedTable<Lease> table_{0};  // its own bound is not used
};

}  // namespace gatehouse::plugins::rate_limiting
