#include "admin/reply.h"

#include <boost/json.hpp>

namespace gatehouse::admin {
namespace {

/// How many bytes the character at the front of `text` has; 0 if it is not UTF-8 (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i, unsigned from = 0x80, unsigned to = 0xbf) {
    return at(i) >= from && at(i) <= to;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead < 0xf0) {
    return follows(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
  }
  const bool good = follows(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3);
  return good ? 4 : 0;
}

}  // namespace

std::string quoted(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    clean += length != 0 ? text.substr(0, length) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(length != 0 ? length : 1);
  }
  return boost::json::serialize(boost::json::string_view(clean));
}

engine::LocalResponse json_reply(std::string body, int status) {
  if (!body.ends_with('\n')) body += '\n';
  engine::LocalResponse response = text_reply(std::move(body), "application/json");
  response.status = status;
  return response;
}

engine::LocalResponse text_reply(std::string body, std::string content_type) {
  return {.content_type = std::move(content_type),
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
}

engine::LocalResponse error_reply(int status, std::string_view message) {
  return json_reply("{\"error\": " + quoted(message) + "}", status);
}

}  // namespace gatehouse::admin
