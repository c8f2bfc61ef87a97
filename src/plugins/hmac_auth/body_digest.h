#pragma once
#include <optional>
#include <string_view>

#include "plugin/exchange.h"

namespace gatehouse::plugins::hmac_auth {

/// What a request says the digests of its body are, decoded; "" where it says nothing. One is there at least.
struct BodyDigests {
  std::string_view sha256, sha512;
};

/// Of a Content-Digest field (RFC 9530), algorithms that are not known left out. nullopt where it is not well-formed or
/// none is known. In the arena.
std::optional<BodyDigests> parse_content_digest(std::string_view value, Arena& arena);

/// Of Kong's Digest field: "SHA-256=" and base64.
std::optional<BodyDigests> parse_kong_digest(std::string_view value, Arena& arena);

/// Whether all of them are `body`'s; in constant time.
bool are_of(const BodyDigests& digests, std::string_view body);

}  // namespace gatehouse::plugins::hmac_auth
