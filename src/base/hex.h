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

/// Whether there is nothing but digits, and those in lower case.
constexpr bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Writes `digits` lower-case hexadecimal digits of `value`, the highest of them first; gives the end.
char* put_hex(char* to, std::uint64_t value, int digits);
/// Two hex digits in lower case for each byte.
std::string hex(std::span<const std::uint8_t> bytes);

}  // namespace gatehouse
