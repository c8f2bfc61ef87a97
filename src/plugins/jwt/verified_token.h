#pragma once
#include <cstdint>
#include <string>

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
  std::int64_t good_until_s = 0;   ///< Unix time at which it is to be looked at again
  std::size_t issuer = kNoIssuer;  ///< index …
  std::uint64_t key_set = 0;       ///< … and serial number of the issuer's keys, with which it was verified
  static constexpr std::size_t kNoIssuer = SIZE_MAX;
};

}  // namespace gatehouse::plugins::jwt
