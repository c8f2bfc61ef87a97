#pragma once
#include <span>
#include <vector>

#include "base/sha256.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::key_auth {

/// API keys by their SHA-256: neither the keys nor a time from which one could be guessed. Immutable, any thread.
class KeyTable {
 public:
  /// `hash_of` gives the hash of a credential's key.
  KeyTable(std::span<const plugin::Credential> credentials, Sha256 (*hash_of)(const config::Node&));

  /// By the key's hash; null for none. Nearly always one comparison in constant time: how much of a key is right does
  /// not show.
  const plugin::Credential* find(const Sha256& hash) const;

 private:
  struct Slot {
    Sha256 hash{};
    const plugin::Credential* credential = nullptr;
  };
  static std::size_t home_of(const Sha256& hash);
  std::vector<Slot> slots_;  ///< a power of two, at most half full; linear probing
};

}  // namespace gatehouse::plugins::key_auth
