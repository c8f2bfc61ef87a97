#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/exchange.h"
#include "plugins/hmac_auth/secret_table.h"

/// The scheme of Kong's hmac-auth, after draft-cavage-http-signatures:
/// Authorization: hmac username="ada", algorithm="hmac-sha256", headers="date request-line", signature="…"
namespace gatehouse::plugins::hmac_auth {

struct KongRules {
  std::array<bool, 4> algorithms{};   ///< by HashKind: allowed
  std::vector<std::string> required;  ///< headers that a signature must cover, in lower case
  std::int64_t skew_s = 300;          ///< that Date or X-Date may be off
  bool require_body = false;          ///< where there is a body, the header digest must be covered
};

/// The parts of the header's value.
struct KongSignature {
  std::string_view username, algorithm, headers;
  std::string_view signature;  ///< decoded
};

/// The value of one Authorization or Proxy-Authorization field. `ours`: whether its scheme is "hmac"; nullopt where it
/// is not well-formed.
std::optional<KongSignature> parse_kong_signature(std::string_view value, Arena& arena, bool& ours);

/// Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), the one form that is made today.
std::optional<std::int64_t> parse_http_date(std::string_view text);

/// What a request holds, at `now_s` (Unix time). Allocates in the exchange's arena alone.
Checked check_kong_signature(const plugin::Exchange& exchange, const SecretTable& secrets, const KongRules& rules,
                             std::int64_t now_s);

}  // namespace gatehouse::plugins::hmac_auth
