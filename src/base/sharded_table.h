#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/keyed_hash.h"

namespace gatehouse {

/// What all threads keep by key for a while, in parts with a lock each, so that they seldom meet. Bounded: entries
/// whose time is over make room, and where none is, new keys find none, and what is there stays: flooding it with keys
/// makes nobody forgotten. Any thread.
template <class V>
class ShardedTable {
 public:
  static constexpr std::size_t kShards = 64;
  /// At most so many entries.
  explicit ShardedTable(std::size_t most) : most_(most_of_part(most)) {}

  /// One part, locked while with() runs.
  class Shard {
   public:
    /// Makes sure that at() finds room for all of `keys`, and that its references stay good together. False: the part
    /// is full of what is still in use, and not all of them are there. Times are of one clock, in microseconds.
    bool reserve(std::span<const Hash128> keys, std::int64_t now, std::size_t most) {
      const std::size_t count = keys.size();
      const bool full = used_ + count > most;
      if (!full && (used_ + count) * 4 <= slots_.size() * 3) return true;
      if (std::ranges::all_of(keys, [this](const Hash128& key) { return has(key); })) return true;
      if (now < look_again_ && now >= look_again_ - kPause) return false;  // unless the clock was set back
      std::size_t living = 0;
      for (const Slot& slot : slots_) living += slot.expires > now;
      if (full) look_again_ = now + kPause;  // the look is too dear for each key of a flood
      if (living + count > most) return false;
      std::size_t size = kSmallest;
      while ((living + count) * 2 > size) size *= 2;
      std::vector<Slot> before(size);
      before.swap(slots_);
      used_ = 0;
      for (const Slot& slot : before) {
        if (slot.expires <= now) continue;
        Slot& to = find(slot.key, now);
        to = slot;
      }
      return true;
    }
    struct Entry {
      Hash128 key;
      std::int64_t expires = 0;  ///< from when on it may be forgotten; 0: never used
      V value{};
    };
    /// The entry of `key`, new where there is none or its time is over. It is kept beyond `now`; whoever holds it sets
    /// until when, to at least 1.
    Entry& entry(const Hash128& key, std::int64_t now) {
      Slot& slot = find(key, now);
      if (slot.expires <= now) slot.expires = now + 1;
      return slot;
    }
    /// The value of `key`, new where there is none or its time is over. It is kept until `expires` at least.
    V& at(const Hash128& key, std::int64_t now, std::int64_t expires) {
      Slot& slot = find(key, now);
      if (slot.expires < expires) slot.expires = expires;
      return slot.value;
    }

   private:
    friend class ShardedTable;
    bool has(const Hash128& key) const {
      for (std::size_t i = key.low, tried = 0; tried < slots_.size(); ++i, ++tried) {
        const Slot& slot = slots_[i & (slots_.size() - 1)];
        if (slot.expires == 0) return false;
        if (slot.key == key) return true;
      }
      return false;
    }
    using Slot = Entry;
    Slot& find(const Hash128& key, std::int64_t now) {
      Slot* free = nullptr;
      for (std::size_t i = key.low;; ++i) {
        Slot& slot = slots_[i & (slots_.size() - 1)];
        if (slot.expires == 0) {
          if (free == nullptr) {
            free = &slot;
            ++used_;
          }
          *free = {key, 0, {}};
          return *free;
        }
        if (slot.key == key) {
          if (slot.expires <= now) slot.value = {};
          return slot;
        }
        if (free == nullptr && slot.expires <= now) free = &slot;
      }
    }

    std::atomic_flag lock_;
    std::vector<Slot> slots_;
    std::size_t used_ = 0;  ///< slots that a search does not end at
    std::int64_t look_again_ = 0;
    static constexpr std::int64_t kPause = 100'000;
  };

  /// The greatest number of a part's entries that makes `most` of all.
  static std::size_t most_of_part(std::size_t most) { return std::max<std::size_t>(most / kShards, kSmallest); }

  /// Calls use(shard, most) with the part locked in which all of `home`'s keys are kept.
  template <class Use>
  auto with(const Hash128& home, Use&& use) {
    Shard& shard = shards_[home.high % kShards];
    const Guard guard(shard.lock_);
    return use(shard, most_);
  }

 private:
  static constexpr std::size_t kSmallest = 64;
  /// Held for some tens of nanoseconds, now and then for the time of a rehash: waiting in the kernel would take longer.
  struct Guard {
    explicit Guard(std::atomic_flag& flag) : held(flag) {
      while (held.test_and_set(std::memory_order_acquire)) {
        while (held.test(std::memory_order_relaxed)) __builtin_ia32_pause();
      }
    }
    ~Guard() { held.clear(std::memory_order_release); }
    std::atomic_flag& held;
  };

  const std::size_t most_;  ///< of a shard
  std::unique_ptr<Shard[]> shards_ = std::make_unique<Shard[]>(kShards);
};

}  // namespace gatehouse
