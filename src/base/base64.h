#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

/// As many bytes as `size` digits of base64 can stand for.
constexpr std::size_t base64_room(std::size_t size) {
  return size / 4 * 3 + 3;
}

/// Decodes base64 (RFC 4648 section 4) to `to`, which has base64_room() bytes: with its padding, no other characters,
/// no bits left over, so that one text has one form. Gives how many bytes; npos where it is none.
std::size_t base64_decode(std::string_view text, char* to);

/// Writes the four digits of the first three bytes, or of fewer where there are no more.
void base64_encode_three(std::string_view bytes, char* to);
std::string base64_encode(std::string_view bytes);

}  // namespace gatehouse
