#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "plugin/exchange.h"
#include "plugins/jwt/claim_rules.h"
#include "plugins/jwt/credentials.h"
#include "plugins/jwt/issuers.h"
#include "plugins/jwt/revoked.h"
#include "plugins/jwt/verified_token.h"

namespace gatehouse::plugins::jwt {

/// What a token must be like, besides being signed.
struct TokenRules {
  std::string key_claim = "iss";
  std::vector<ClaimRule> claims;
  std::int64_t skew_s = 0;
  std::int64_t max_age_s = 0;       ///< since iat; 0: any
  std::int64_t max_lifetime_s = 0;  ///< exp may be that far away; 0: any
  Revoked revoked;
};

/// What became of a token.
struct Outcome {
  std::shared_ptr<const VerifiedToken> token;  ///< null: it does not pass
  std::string_view message;                    ///< why; a literal or in the arena
  const Issuer* stale = nullptr;               ///< its keys are missing, or may not be its latest
  bool unavailable = false;                    ///< there are no keys at all to look at it with
};

/// Decides on tokens. Immutable, any thread.
class Verifier {
 public:
  Verifier(TokenRules rules, std::shared_ptr<const Keyring> keyring, std::vector<Issuer> issuers,
           std::shared_ptr<const plugin::Consumers> consumers)
      : rules_(std::move(rules)),
        keyring_(std::move(keyring)),
        issuers_(std::move(issuers)),
        consumers_(std::move(consumers)) {}

  /// `now_s` is Unix time.
  Outcome look_at(std::string_view token, plugin::Exchange& x, std::int64_t now_s) const;
  /// Whether `token`, found good before, still is as far as its issuer's keys go.
  bool is_current(const VerifiedToken& token, unsigned worker) const {
    if (token.issuer == VerifiedToken::kNoIssuer) return true;
    const std::shared_ptr<const void>& keys = issuers_[token.issuer].keys(worker);
    return keys != nullptr && Issuer::of(keys).serial() == token.key_set;
  }

 private:
  Outcome of_issuer(std::size_t index, const jose::Token& token, const jose::ClaimsView& claims, plugin::Exchange& x,
                    std::int64_t now_s) const;
  /// "" or what is wrong with the claims.
  std::string_view fault_in(const jose::ClaimsView& claims, Arena& arena, std::int64_t now_s) const;
  std::shared_ptr<VerifiedToken> make(const jose::ClaimsView& claims) const;

  const TokenRules rules_;
  const std::shared_ptr<const Keyring> keyring_;
  const std::vector<Issuer> issuers_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what the keyring points into
};

}  // namespace gatehouse::plugins::jwt
