#include "plugins/common/query_string.h"

namespace gatehouse::plugins {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

bool query_name_is(std::string_view encoded, std::string_view plain) {
  std::size_t at = 0;
  for (const char want : plain) {
    if (at == encoded.size()) return false;
    char got = encoded[at++];
    if (got == '+') {
      got = ' ';
    } else if (got == '%' && encoded.size() - at >= 2) {
      const int high = hex_digit(encoded[at]), low = hex_digit(encoded[at + 1]);
      if (high >= 0 && low >= 0) {
        got = static_cast<char>(high << 4 | low);
        at += 2;
      }
    }
    if (got != want) return false;
  }
  return at == encoded.size();
}

bool query_has(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    if (query_name_is(next_query_part(query).name(), name)) return true;
  }
  return false;
}

std::string percent_encoded(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

}  // namespace gatehouse::plugins
