#include "plugins/basic_auth/basic_scheme.h"

#include <algorithm>

#include "base/base64.h"

namespace gatehouse::plugins::basic_auth {
namespace {

using Found = BasicCredentials::Found;

/// Well-formed UTF-8 (RFC 3629) without control characters.
bool is_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = [&](std::size_t i) {
      return static_cast<unsigned char>(at + i < text.size() ? text[at + i] : 0);
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f) return false;
      ++at;
      continue;
    }
    const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < least || byte(1) > most) return false;
    if (lead == 0xc2 && byte(1) < 0xa0) return false;  // C1 controls
    for (std::size_t i = 2; i < size; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}

}  // namespace

BasicCredentials parse_basic(std::string_view value, Arena& arena) {
  constexpr std::string_view kScheme = "Basic";
  const std::size_t end = std::min(value.find(' '), value.size());
  if (!http::equal_names(value.substr(0, end), kScheme)) return {};
  value.remove_prefix(end);
  while (value.starts_with(' ')) value.remove_prefix(1);
  char* const bytes = arena.reserve(base64_room(value.size()));
  const std::size_t size = base64_decode(value, bytes);
  if (size == std::string_view::npos) return {.found = Found::bad};
  const std::string_view text(bytes, size);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_text(text)) return {.found = Found::bad};
  return {Found::good, text.substr(0, colon), text.substr(colon + 1)};
}

BasicCredentials find_basic(const plugin::Exchange& x) {
  BasicCredentials result;
  int count = 0;
  for (const http::Field& field : x.request.fields) {
    if (field.removed || field.id != http::FieldId::authorization) continue;
    ++count;
    const BasicCredentials found = parse_basic(field.value, x.arena);
    if (found.found != Found::none) result = found;
  }
  if (count > 1 && result.found != Found::none) return {.found = Found::repeated};
  return result;
}

}  // namespace gatehouse::plugins::basic_auth
