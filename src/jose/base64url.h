#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::jose {

/// Bytes that `size` characters of base64url without padding stand for; nullopt where no text has that length.
constexpr std::optional<std::size_t> decoded_size(std::size_t size) {
  if (size % 4 == 1) return std::nullopt;
  return size / 4 * 3 + (size % 4 == 0 ? 0 : size % 4 - 1);
}

/// base64url without padding (RFC 7515, section 2), in the one form that each text has: no white space, no "=", no bits
/// set that stand for nothing. Writes decoded_size(text.size()) bytes; false: `text` is not that.
bool decode_base64url(std::string_view text, char* to);
/// The same into `arena`.
std::optional<std::string_view> decode_base64url(std::string_view text, Arena& arena);

}  // namespace gatehouse::jose
