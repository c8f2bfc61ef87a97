#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

/// 0 to 15, of a digit in either case; 16 for what is none.
constexpr unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 16;
}

/// The number that exactly these digits make, at most eight of them.
constexpr std::optional<unsigned> from_hex(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    const unsigned digit = hex_value(c);
    if (digit == 16) return std::nullopt;
    value = value << 4 | digit;
  }
  return digits.empty() || digits.size() > 8 ? std::nullopt : std::optional(value);
}

/// The byte that "%XX" at the front of `text` stands for, or -1 (RFC 3986, section 2.1).
constexpr int percent_decoded(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const unsigned high = hex_value(text[1]), low = hex_value(text[2]);
  return high > 15 || low > 15 ? -1 : static_cast<int>(high << 4 | low);
}

/// Writes `digits` lower-case hexadecimal digits of `value`, the highest of them first; gives the end.
char* put_hex(char* to, std::uint64_t value, int digits);
/// Two hex digits in lower case for each byte.
std::string hex(std::span<const std::uint8_t> bytes);

}  // namespace gatehouse
