#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

// UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF.

/// The bytes of the character at the front of `text`, which is not empty; 0 if there is none. `point` is what it is.
std::size_t decode_utf8(std::string_view text, std::uint32_t& point);
/// Where the first byte is that belongs to no character, or npos.
std::size_t find_bad_utf8(std::string_view text);
/// Writes 1 to 4 bytes and gives their end. `point` is one that has a form: no surrogate, at most U+10FFFF.
char* put_utf8(char* to, std::uint32_t point);

inline bool is_surrogate(std::uint32_t point) {
  return point >= 0xd800 && point <= 0xdfff;
}

}  // namespace gatehouse
