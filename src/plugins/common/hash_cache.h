#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/keyed_hash.h"

namespace gatehouse::plugins {

/// One worker's values by a hash that nobody outside can steer, each good until a time; times are in whatever unit the
/// owner counts. Bounded: where there is no room the one that was used least goes. One thread.
template <class T>
class HashCache {
 public:
  /// Null for none.
  T* find(const Hash128& hash, std::int64_t now) {
    if (slots_.empty()) return nullptr;
    ++clock_;
    Slot* const slot = slot_of(hash);
    if (slot == nullptr) return nullptr;
    if (now >= slot->until) {
      *slot = {};
      return nullptr;
    }
    slot->used = clock_;
    return &slot->value;
  }
  /// At most `most` are kept; the first call decides.
  void keep(const Hash128& hash, T value, std::int64_t until, std::size_t most) {
    if (slots_.empty()) slots_.resize(std::bit_floor(std::max(most, kWays)));
    Slot* to = slot_of(hash);
    if (to == nullptr) {
      Slot* const first = row(hash);
      to = std::min_element(first, first + kWays, [&](const Slot& a, const Slot& b) { return rank(a) < rank(b); });
    }
    *to = {hash, until, clock_, true, std::move(value)};
  }
  void forget(const Hash128& hash) {
    if (slots_.empty()) return;
    if (Slot* const slot = slot_of(hash)) *slot = {};
  }

 private:
  struct Slot {
    Hash128 hash;
    std::int64_t until = 0;
    std::uint32_t used = 0;  ///< when, in look-ups
    bool taken = false;
    T value{};
  };
  static constexpr std::size_t kWays = 8;

  Slot* row(const Hash128& hash) { return &slots_[(hash.low & (slots_.size() / kWays - 1)) * kWays]; }
  Slot* slot_of(const Hash128& hash) {
    Slot* const first = row(hash);
    for (Slot* slot = first; slot != first + kWays; ++slot) {
      if (slot->taken && slot->hash == hash) return slot;
    }
    return nullptr;
  }
  std::pair<bool, std::uint32_t> rank(const Slot& slot) const {
    return slot.taken ? std::pair(true, UINT32_MAX - (clock_ - slot.used)) : std::pair(false, 0u);
  }

  std::vector<Slot> slots_;  ///< rows of kWays; none before the first value
  std::uint32_t clock_ = 0;
};

}  // namespace gatehouse::plugins
