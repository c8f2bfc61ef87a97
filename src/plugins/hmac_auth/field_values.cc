#include "plugins/hmac_auth/field_values.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::plugins::hmac_auth {

bool joined_values(const plugin::Exchange& x, std::string_view name, std::string_view& value) {
  const http::FieldId id = http::field_id(name);
  if (id == http::FieldId::host) {
    // Where the request goes: a target in absolute form overrides the field (RFC 9112 section 3.2.2).
    value = x.request.authority;
    return !value.empty();
  }
  const auto is_it = [&](const http::Field& field) {
    return !field.removed && field.id == id && (id != http::FieldId::other || http::equal_names(field.name, name));
  };
  std::size_t size = 0, count = 0;
  for (const http::Field& field : x.request.fields) {
    if (!is_it(field)) continue;
    size += field.value.size() + 2;
    if (count++ == 0) value = field.value;
  }
  if (count == 0 && id == http::FieldId::content_length && x.request.framing.kind == http::Framing::Kind::length) {
    char* const room = x.arena.reserve(20);
    value = {room, static_cast<std::size_t>(std::to_chars(room, room + 20, x.request.framing.length).ptr - room)};
    return true;
  }
  if (count < 2) return count == 1;
  char* const start = x.arena.reserve(size);
  char* to = start;
  for (const http::Field& field : x.request.fields) {
    if (!is_it(field)) continue;
    if (to != start) to = std::ranges::copy(std::string_view(", "), to).out;
    to = std::ranges::copy(field.value, to).out;
  }
  value = {start, static_cast<std::size_t>(to - start)};
  return true;
}

bool is_gateways_field(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "connection", "expect",      "forwarded",    "http2-settings", "keep-alive",        "proxy-connection",
      "te",         "traceparent", "tracestate",   "trailer",        "transfer-encoding", "upgrade",
      "via",        "x-real-ip",   "x-request-id", "signature",      "signature-input"};
  return name.starts_with("x-forwarded-") || name.starts_with("x-consumer-") ||
         std::ranges::find(kNames, name) != std::end(kNames);
}

}  // namespace gatehouse::plugins::hmac_auth
