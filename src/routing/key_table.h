#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::routing {

/// A hash of bytes for tables whose keys come from the configuration, so that probe lengths do not depend on the
/// client.
inline std::uint64_t hash_bytes(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kMultiplier = 0x9FB21C651E98DF25ull;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = (seed + 1) * 0xD6E8FEB86659FD93ull ^ text.size();
  const char* at = text.data();
  std::size_t rest = text.size();
  for (; rest >= 8; at += 8, rest -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    hash = mix(hash ^ word, kMultiplier);
  }
  if (rest > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, rest);
    hash = mix(hash ^ word, kMultiplier);
  }
  return mix(hash, kMultiplier);
}

/// Maps (owner, text) to a number: the children of all trie nodes, the exact paths of all hosts and the hosts of all
/// priorities each lie in one such table, so that a look-up touches two cache lines. Open addressing, at most half
/// full.
class KeyTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// The number of that key, kNone if it is not there. No allocation.
  std::uint32_t find(std::uint32_t owner, std::string_view text) const {
    if (count_ == 0) return kNone;
    const std::uint64_t hash = hash_bytes(text, owner);
    for (std::size_t i = hash & mask_;; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.value == kNone) return kNone;
      if (slot.tag == tag_of(hash) && slot.owner == owner && text_of(slot) == text) return slot.value;
    }
  }

  /// The number of that key, which becomes `value` if the key is new.
  std::uint32_t find_or_insert(std::uint32_t owner, std::string_view text, std::uint32_t value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    const std::uint64_t hash = hash_bytes(text, owner);
    std::size_t i = hash & mask_;
    for (; slots_[i].value != kNone; i = (i + 1) & mask_) {
      const Slot& slot = slots_[i];
      if (slot.tag == tag_of(hash) && slot.owner == owner && text_of(slot) == text) return slot.value;
    }
    slots_[i] = Slot{tag_of(hash), owner, text_.size(), static_cast<std::uint32_t>(text.size()), value};
    text_.append(text);
    ++count_;
    return value;
  }

  std::size_t size() const { return count_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t owner = 0;
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    std::uint32_t value = kNone;
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::string_view text_of(const Slot& slot) const { return {text_.data() + slot.offset, slot.size}; }

  void grow() {
    std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 16 : old.size() * 2, Slot());
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.value == kNone) continue;
      std::size_t i = hash_bytes(text_of(slot), slot.owner) & mask_;
      while (slots_[i].value != kNone) i = (i + 1) & mask_;
      slots_[i] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::string text_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
};

}  // namespace gatehouse::routing
