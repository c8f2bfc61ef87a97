#pragma once
#include <string_view>

#include "plugin/exchange.h"

/// What authentication plugins say, and what becomes of it. A plugin finds a credential or does not; whether that ends
/// the request depends on the route: all of several must pass, or one of them, or nobody need (an anonymous consumer).
namespace gatehouse::plugin {

/// Ranks above are those of authentication and of what comes before it; a consumer's own plugins stand below.
inline constexpr int kAuthenticationRank = 1000;
/// Where `phase: before_auth` moves a plugin: behind cors, which answers preflights, and before who asks for a name.
inline constexpr int kBeforeAuthenticationRank = 1900;

/// Who was found.
struct Found {
  const Consumer* consumer = nullptr;      ///< null: somebody whom a token's issuer vouches for
  const Credential* credential = nullptr;  ///< null where nothing is known of it but its id
  std::string_view credential_id;
  const Claims* claims = nullptr;  ///< of the token that was the credential; lives until the exchange is over
};

/// Why a plugin does not let the request pass.
struct Refusal {
  std::string_view challenge;  ///< for WWW-Authenticate (RFC 9110 section 11.6.1)
  std::string_view message;
  int status = 401;
  std::string_view body = {};  ///< JSON that is sent instead of the gateway's document; "" for none
  bool shown = false;          ///< there was a credential, and it was bad: tells more than that there was none
  bool final = false;          ///< nobody stands in: it is known who calls, or it cannot be found out now
  Reason reason = Reason::unauthenticated;
};

/// A plugin's own way out, for who cannot be known: Kong's `anonymous`.
struct Otherwise {
  const Consumer* anonymous = nullptr;  ///< null: none
};

/// Whether an authentication plugin has nothing to do: another one has passed and one is enough.
bool is_settled(const Exchange& exchange, const Otherwise& otherwise);
/// It has found who calls.
Verdict accept(Exchange& exchange, const Found& found);
/// It has not.
Verdict reject(Exchange& exchange, const Refusal& refusal, const Otherwise& otherwise);

/// How a route puts its authentication plugins together.
struct AuthenticationRules {
  bool written = false;                 ///< they decide alone: who a plugin would let stand in does not count
  bool any = false;                     ///< one is enough
  const Consumer* anonymous = nullptr;  ///< who it is where they do not pass; null: nobody
};

/// Before the plugins: from now on reject() and accept() follow `rules`, which outlive the exchange.
void begin_authentication(Exchange& exchange, const AuthenticationRules& rules);
/// Behind the plugins: decides, checks that the credential may be used for the service, and tells the service who calls
/// (X-Consumer-*, X-Credential-Identifier, X-Anonymous-Consumer).
Verdict finish_authentication(Exchange& exchange);

}  // namespace gatehouse::plugin
