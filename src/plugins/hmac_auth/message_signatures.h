#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plugin/exchange.h"
#include "plugins/hmac_auth/secret_table.h"
#include "plugins/hmac_auth/structured_fields.h"

/// HTTP Message Signatures (RFC 9421) with hmac-sha256.
namespace gatehouse::plugins::hmac_auth {

struct SignatureRules {
  std::vector<std::string> required;  ///< components that a signature must cover
  std::int64_t skew_s = 300;          ///< that `created` and `expires` may be off
  bool require_created = true;
  bool require_body = false;  ///< where there is a body, content-digest must be covered
};

/// What a request holds in Signature-Input and Signature, at `now_s` (Unix time). Of several signatures the first good
/// one counts. Allocates in the exchange's arena alone.
Checked check_message_signature(const plugin::Exchange& exchange, const SecretTable& secrets,
                                const SignatureRules& rules, std::int64_t now_s);

/// The text that is signed (RFC 9421 section 2.5), in the arena; "" and `fault` set where it cannot be made.
std::string_view signature_base(const plugin::Exchange& exchange, const Member& input, std::string_view& fault);

/// "" or why `text` is no component that could be required: a field's name in lower case, or one of RFC 9421
/// section 2.2 without parameters.
std::string check_component(std::string_view text);

}  // namespace gatehouse::plugins::hmac_auth
