#include "plugins/jwt/verifier.h"

#include <algorithm>
#include <cmath>

#include "jose/times.h"
#include "jose/token.h"

namespace gatehouse::plugins::jwt {
namespace {

constexpr std::int64_t kForEver = INT64_MAX;
constexpr std::size_t kLongestName = 256;  ///< of a subject, as credential id

bool satisfies(const ClaimRule& rule, const jose::ClaimsView& claims) {
  const jose::JsonValue claim = claims.find(rule.claim);
  if (!claim || claim.is(jose::JsonKind::null)) return false;
  if (rule.kind == ClaimRule::Kind::present) return true;
  if (!claim.is(jose::JsonKind::array)) return !claim.is(jose::JsonKind::object) && holds(rule, claim.text());
  for (const jose::JsonValue item : claim) {
    const bool scalar = !item.is(jose::JsonKind::object) && !item.is(jose::JsonKind::array);
    if (scalar && holds(rule, item.text())) return true;
  }
  return false;
}

/// When a token must be looked at again: the second in which the earliest of its times is over.
std::int64_t good_until(const jose::ClaimsView& claims, const TokenRules& rules) {
  const auto end = [&](std::string_view claim, std::int64_t plus) {
    const auto number = claims.number(claim);
    if (!number) return kForEver;
    const double at = std::floor(*number) + static_cast<double>(plus);
    return at < 9e18 ? static_cast<std::int64_t>(at) : kForEver;
  };
  std::int64_t until = end("exp", rules.skew_s);
  if (rules.max_age_s != 0) until = std::min(until, end("iat", rules.max_age_s + rules.skew_s));
  return until;
}

}  // namespace

std::string_view Verifier::fault_in(const jose::ClaimsView& claims, Arena& arena, std::int64_t now_s) const {
  const jose::TimeFault time = jose::check_times(claims, {now_s, rules_.skew_s, rules_.max_age_s});
  if (time != jose::TimeFault::none) return jose::to_string(time);
  if (rules_.max_lifetime_s != 0) {
    const auto expires = claims.number("exp");
    if (!expires) return "the token has no end";
    if (*expires - static_cast<double>(now_s) > static_cast<double>(rules_.max_lifetime_s)) {
      return "the token is good for too long";
    }
  }
  for (const ClaimRule& rule : rules_.claims) {
    if (!satisfies(rule, claims)) return arena.concat("the claim \"", rule.claim, "\" is not as it must be");
  }
  if (!rules_.revoked.empty() && rules_.revoked.contains(claims, arena)) return "the token was revoked";
  return "";
}

std::shared_ptr<VerifiedToken> Verifier::make(const jose::ClaimsView& claims) const {
  auto token = std::make_shared<VerifiedToken>(claims);
  token->good_until_s = good_until(claims, rules_);
  return token;
}

Outcome Verifier::look_at(std::string_view text, plugin::Exchange& x, std::int64_t now_s) const {
  const Result<jose::Token> token = jose::parse_compact(text, x.arena);
  if (!token) return {.token = nullptr, .message = token.error().detail};
  const Result<jose::ClaimsView> claims = jose::parse_claims(token->payload, x.arena);
  if (!claims) return {.token = nullptr, .message = claims.error().detail};
  const std::string_view issuer = claims->find("iss").is(jose::JsonKind::string) ? claims->find("iss").text() : "";
  if (!issuer.empty()) {
    const auto found = std::ranges::find(issuers_, issuer, &Issuer::name);
    if (found != issuers_.end()) {
      return of_issuer(static_cast<std::size_t>(found - issuers_.begin()), *token, *claims, x, now_s);
    }
  }
  auto key = claims->text(rules_.key_claim, x.arena);
  if (!key && rules_.key_claim == "kid") key = token->kid;  // where Kong looks too
  if (!key) return {.token = nullptr, .message = x.arena.concat("the token has no ", rules_.key_claim)};
  const Keyring::Entry* const entry = keyring_->find(*key);
  if (entry == nullptr) return {.token = nullptr, .message = "the token's issuer is not known"};
  if (entry->keys.verify(*token) == nullptr) return {.token = nullptr, .message = "the signature is not good"};
  if (const std::string_view fault = fault_in(*claims, x.arena, now_s); !fault.empty())
    return {.token = nullptr, .message = fault};
  std::shared_ptr<VerifiedToken> made = make(*claims);
  made->consumer = entry->credential->consumer;
  made->credential = entry->credential;
  made->credential_id = entry->credential->id;
  return {.token = std::move(made), .message = ""};
}

Outcome Verifier::of_issuer(std::size_t index, const jose::Token& token, const jose::ClaimsView& claims,
                            plugin::Exchange& x, std::int64_t now_s) const {
  const Issuer& issuer = issuers_[index];
  const std::shared_ptr<const void> keys = issuer.keys(x.worker);
  if (keys == nullptr) {
    const char* const why = "the keys of the token's issuer cannot be had now";
    return {.token = nullptr, .message = why, .stale = &issuer, .unavailable = true};
  }
  const jose::KeySet& set = Issuer::of(keys);
  if (set.verify(token) == nullptr) {
    const bool unknown = token.kid && set.find(*token.kid).empty();
    return {.token = nullptr,
            .message = unknown ? "the token's key is not one of its issuer's" : "the signature is not good",
            .stale = unknown ? &issuer : nullptr};
  }
  const auto& audience = issuer.audience();
  if (!audience.empty() &&
      std::ranges::none_of(audience, [&](const auto& each) { return claims.contains("aud", each); }))
    return {.token = nullptr, .message = "the token is for somebody else"};
  if (const std::string_view fault = fault_in(claims, x.arena, now_s); !fault.empty())
    return {.token = nullptr, .message = fault};
  const plugin::Consumer* consumer = nullptr;
  if (!issuer.consumer_claim().empty()) {
    const auto name = claims.text(issuer.consumer_claim(), x.arena);
    consumer = name ? consumers_->find(*name) : nullptr;
    if (consumer == nullptr) return {.token = nullptr, .message = "no consumer belongs to the token"};
  }
  std::shared_ptr<VerifiedToken> made = make(claims);
  made->consumer = consumer;
  made->issuer = index;
  made->key_set = set.serial();
  const auto subject = claims.text("sub", x.arena);
  // It goes to services in a header.
  const bool fit = subject && subject->size() <= kLongestName &&
                   std::ranges::none_of(*subject, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (fit) made->credential_id = *subject;
  return {.token = std::move(made), .message = ""};
}

}  // namespace gatehouse::plugins::jwt
