#include "plugins/hmac_auth/field_values.h"

#include <algorithm>
#include <charconv>

#include "plugins/common/field_lines.h"

namespace gatehouse::plugins::hmac_auth {

bool joined_values(const plugin::Exchange& x, std::string_view name, std::string_view& value) {
  const http::FieldId id = http::field_id(name);
  if (id == http::FieldId::host) {
    // Where the request goes: a target in absolute form overrides the field (RFC 9112 section 3.2.2).
    value = x.request.authority;
    return !value.empty();
  }
  if (const auto lines = joined_lines(x.request.fields, name)) {
    value = *lines;
    return true;
  }
  if (id != http::FieldId::content_length || x.request.framing.kind != http::Framing::Kind::length) return false;
  char* const room = x.arena.reserve(20);
  value = {room, static_cast<std::size_t>(std::to_chars(room, room + 20, x.request.framing.length).ptr - room)};
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
