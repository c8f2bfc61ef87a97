#pragma once
#include <string_view>

namespace gatehouse::http {

/// Fields by which services recognise the consumer: only the gateway may set them (semantics.md, "Who is calling").
bool is_identity_field(std::string_view name);
/// X-Forwarded-Prefix, -Server, -Ssl and whatever else of the kind.
bool is_forwarding_field(std::string_view name);

}  // namespace gatehouse::http
