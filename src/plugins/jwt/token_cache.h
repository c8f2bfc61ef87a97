#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/keyed_hash.h"
#include "jose/claims.h"
#include "plugin/claims.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::jwt {

/// A token that has been found good. Immutable; lives as long as an exchange or a cache holds it.
class VerifiedToken final : public plugin::Claims {
 public:
  explicit VerifiedToken(const jose::ClaimsView& read) : claims(read) {}
  std::optional<std::string_view> text(std::string_view path, Arena& arena) const override {
    return claims.text(path, arena);
  }

  const jose::Claims claims;
  const plugin::Consumer* consumer = nullptr;      ///< null: its issuer vouches for somebody else
  const plugin::Credential* credential = nullptr;  ///< null: a token of an issuer
  std::string credential_id;
  std::int64_t good_until_s = 0;     ///< Unix time at which it is to be looked at again
  std::size_t issuer = kNoIssuer;    ///< index …
  std::shared_ptr<const void> keys;  ///< … and the issuer's keys, with which it was verified
  static constexpr std::size_t kNoIssuer = SIZE_MAX;
};

/// One worker's tokens, by a hash that nobody outside can steer. Bounded: where there is no room the one that was used
/// least goes.
class TokenCache {
 public:
  /// Null for none. `now_s` is Unix time.
  const std::shared_ptr<const VerifiedToken>* find(const Hash128& hash, std::int64_t now_s);
  /// At most `most` are kept.
  void keep(const Hash128& hash, std::shared_ptr<const VerifiedToken> token, std::size_t most);
  void forget(const Hash128& hash);

 private:
  struct Slot {
    Hash128 hash;
    std::uint32_t used = 0;  ///< when, in look-ups
    std::shared_ptr<const VerifiedToken> token;
  };
  static constexpr std::size_t kWays = 8;
  Slot* row(const Hash128& hash) { return &slots_[(hash.low & (slots_.size() / kWays - 1)) * kWays]; }
  std::vector<Slot> slots_;  ///< rows of kWays; none before the first token
  std::uint32_t clock_ = 0;
};

}  // namespace gatehouse::plugins::jwt
