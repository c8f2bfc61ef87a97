#pragma once
#include <atomic>
#include <cstdint>

#include "base/keyed_hash.h"
#include "base/sharded_table.h"
#include "plugins/rate_limiting/limiter.h"

namespace gatehouse::plugins::rate_limiting {

/// The counts of one limiter, for the whole process: all workers decide on the same numbers, one after the other for
/// the same key. Outlives configurations. Any thread.
///
/// Bounded: counts whose time is over make room. Where none is, keys that are new share one count among them, and what
/// is there stays: whoever floods the table with keys resets nobody's limit, his own neither.
class LocalStore {
 public:
  explicit LocalStore(std::size_t most) : most_(most) {}

  /// At most so many counts from now on.
  void set_most(std::size_t most) { most_.store(most, std::memory_order_relaxed); }

  /// One decision over all limits of the rule, at once.
  Decision decide(const Hash128& key, const Rule& rule, std::uint64_t cost, Act act, std::int64_t now_us);
  /// Counts afterwards.
  Decision charge(const Hash128& key, const Rule& rule, std::uint64_t cost, std::int64_t now_us);

 private:
  template <class Step>
  Decision with_counts(const Hash128& key, const Rule& rule, std::int64_t now_us, Step step);

  std::atomic<std::size_t> most_;
  ShardedTable<Count> table_{0}, crowd_{0};  // their own bounds are not used
};

/// How many requests of each key are under way. As above.
class Connections {
 public:
  /// One more, unless there are `most`. What is taken must be given back.
  bool take(const Hash128& key, std::uint32_t most);
  void give_back(const Hash128& key);

 private:
  ShardedTable<std::uint32_t> table_{0};
};

}  // namespace gatehouse::plugins::rate_limiting
