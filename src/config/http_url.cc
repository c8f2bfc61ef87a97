#include "config/http_url.h"

#include <algorithm>

#include "config/decode.h"

namespace gatehouse::config {

std::expected<HttpUrl, std::string> parse_http_url(std::string_view text) {
  HttpUrl url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::unexpected("must be a URL that begins with https:// or http://");
  }
  if (text.contains('#')) return std::unexpected("must not have a fragment");
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, end);
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (url.authority.contains('@')) return std::unexpected("must not have a user name or password");
  if (std::ranges::any_of(url.target, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
    return std::unexpected("must have a path without spaces and control characters");
  }
  const bool has_port = url.authority.contains(':') && !url.authority.ends_with(']');
  const auto address = parse_address(has_port ? url.authority : url.authority + (url.tls ? ":443" : ":80"), true);
  if (!address || address->kind == Address::Kind::unix_path || address->port == 0) {
    return std::unexpected("must be a URL with a host and a port from 1 to 65535");
  }
  url.address = *address;
  return url;
}

std::string shown_url(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  text = text.substr(0, text.find('?'));
  if (text.size() <= kLongest) return std::string(text);
  std::size_t size = kLongest;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;  // a character stays whole
  return std::string(text.substr(0, size)) + "…";
}

}  // namespace gatehouse::config
