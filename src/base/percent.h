#pragma once
#include <string_view>

#include "base/hex.h"

namespace gatehouse {

// Percent-encoding (RFC 3986, section 2.1), and the forms of queries that are built on it.

/// Letters, digits and "-._~": what needs no escape (RFC 3986, section 2.3).
constexpr bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// The byte that "%XX" at the front of `text` stands for, or -1.
constexpr int percent_decoded(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const unsigned high = hex_value(text[1]), low = hex_value(text[2]);
  return high > 15 || low > 15 ? -1 : static_cast<int>(high << 4 | low);
}

/// Writes "%XX" for the byte, in upper case; gives the end.
constexpr char* put_escape(char* to, char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  *to++ = '%';
  *to++ = kDigits[value >> 4];
  *to++ = kDigits[value & 15];
  return to;
}

/// Takes one byte of a query's name or value, which is not empty, as forms encode it: "+" is a space, %XX a byte, a bad
/// escape itself.
constexpr char take_form_decoded(std::string_view& raw) {
  const int escaped = percent_decoded(raw);
  const char c = escaped >= 0 ? static_cast<char>(escaped) : raw.front() == '+' ? ' ' : raw.front();
  raw.remove_prefix(escaped >= 0 ? 3 : 1);
  return c;
}

}  // namespace gatehouse
