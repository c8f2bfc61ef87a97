#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "config/model.h"

namespace gatehouse::config {

/// An absolute http or https URL, as the gateway itself fetches it.
struct HttpUrl {
  bool tls = false;
  std::string authority;  ///< for Host: "id.example.com:8443"
  Address address;        ///< a name or an IP address, and the port
  std::string target;     ///< path and query, starts with "/"
};

/// The error is a sentence's end: "must be …". User names and fragments are refused.
std::expected<HttpUrl, std::string> parse_http_url(std::string_view text);

/// A URL as people may see it: without its query, which may hold a secret, and not longer than a line.
std::string shown_url(std::string_view text);

}  // namespace gatehouse::config
