#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "jose/algorithm.h"
#include "jose/key.h"

namespace gatehouse::jose {

inline constexpr std::size_t kMaxToken = 16 * 1024;

/// The parts of a compact JWS. Nothing of it is verified. Lives as long as the token's text and the arena.
struct Token {
  Algorithm algorithm{};
  std::optional<std::string_view> kid, typ;
  std::string_view signing_input;
  std::string_view payload;    ///< bytes
  std::string_view signature;  ///< bytes
};

/// A JWS in compact form (RFC 7515, sections 3.1 and 5.2), strictly: three parts of base64url, a header that is a JSON
/// object without a name twice, an `alg` that is one of Algorithm. What extends the form is refused (`crit`, `b64`
/// other than true, the five parts of a JWE); header parameters that would bring a key along are not looked at. No
/// malloc but for the arena's blocks. An error's reason is unauthenticated, its detail says what is wrong.
Result<Token> parse_compact(std::string_view token, Arena& arena, std::size_t max_size = kMaxToken);

inline bool verify(const Key& key, const Token& token) noexcept {
  return key.verify(token.algorithm, token.signing_input, token.signature);
}

}  // namespace gatehouse::jose
