#include "plugins/common/query_string.h"

#include <algorithm>

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

std::string_view query_decoded(std::string_view encoded, Arena& arena) {
  if (encoded.find_first_of("%+") == std::string_view::npos) return encoded;
  char* const start = arena.reserve(encoded.size());
  char* to = start;
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    const char c = encoded[at];
    const bool escape =
        c == '%' && encoded.size() - at > 2 && hex_digit(encoded[at + 1]) >= 0 && hex_digit(encoded[at + 2]) >= 0;
    if (escape) {
      *to++ = static_cast<char>(hex_digit(encoded[at + 1]) << 4 | hex_digit(encoded[at + 2]));
      at += 2;
    } else {
      *to++ = c == '+' ? ' ' : c;
    }
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(encoded.size() - size);
  return {start, size};
}

std::string_view query_without(std::string_view query, std::string_view name, Arena& arena) {
  char* const start = arena.reserve(query.size());
  const std::size_t most = query.size();
  char* to = start;
  bool first = true;
  while (!query.empty()) {
    const QueryPart part = next_query_part(query);
    if (query_name_is(part.name(), name)) continue;
    if (!first) *to++ = '&';
    first = false;
    to = std::copy(part.text.begin(), part.text.end(), to);
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(most - size);
  return {start, size};
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
