#include "http/head.h"

#include <array>
#include <cstring>

#include "base/ip_address.h"
#include "http/chars.h"

namespace gatehouse::http {
namespace {

constexpr std::array<std::string_view, kMethodCount> kMethods{"GET",   "HEAD",    "POST",  "PUT",     "DELETE",
                                                              "PATCH", "OPTIONS", "TRACE", "CONNECT", "OTHER"};

constexpr std::uint64_t bit(FieldId id) {
  return 1ull << static_cast<unsigned>(id);
}

constexpr std::uint64_t kHopByHop =
    bit(FieldId::connection) | bit(FieldId::keep_alive) | bit(FieldId::proxy_connection) | bit(FieldId::te) |
    bit(FieldId::trailer) | bit(FieldId::transfer_encoding) | bit(FieldId::upgrade) | bit(FieldId::http2_settings);
// Of the fields that we know by id, Connection may take away only these: a client could otherwise make the gateway drop
// Authorization or X-Forwarded-For on the way to the service.
constexpr std::uint64_t kMayBeNamed = bit(FieldId::proxy_authenticate) | bit(FieldId::proxy_authorization);

}  // namespace

Method parse_method(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::get;
      if (text == "PUT") return Method::put;
      break;
    case 4:
      if (text == "POST") return Method::post;
      if (text == "HEAD") return Method::head;
      break;
    case 5:
      if (text == "PATCH") return Method::patch;
      if (text == "TRACE") return Method::trace;
      break;
    case 6:
      if (text == "DELETE") return Method::del;
      break;
    case 7:
      if (text == "OPTIONS") return Method::options;
      if (text == "CONNECT") return Method::connect;
      break;
    default:
      break;
  }
  return Method::other;
}

std::string_view to_string(Method method) {
  return kMethods[static_cast<std::size_t>(method)];
}

bool is_idempotent(Method method) {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::put:
    case Method::del:
    case Method::options:
    case Method::trace:
      return true;
    default:
      return false;
  }
}

void remove_hop_by_hop(Fields& fields) {
  if (fields.may_have(FieldId::connection)) {
    for (const Field& connection : fields) {
      if (connection.id != FieldId::connection || connection.removed) continue;
      each_list_member(connection.value, [&fields](std::string_view name) {
        const FieldId id = field_id(name);
        if (id == FieldId::other) {
          fields.remove(name);
        } else if ((kMayBeNamed & bit(id)) != 0) {
          fields.remove(id);
        }
      });
    }
  }
  for (Field& field : fields) {
    if ((kHopByHop & bit(field.id)) != 0) field.removed = true;
  }
}

std::string_view host_of(std::string_view authority) {
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t bracket = authority.find(']');
    return bracket == std::string_view::npos ? std::string_view() : authority.substr(0, bracket + 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool is_valid_authority(std::string_view authority) {
  std::size_t at = 0;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return false;
    const std::string_view address = authority.substr(1, bracket - 1);
    // A colon tells IPv6 from IPv4, which has no place in brackets; IPvFuture is refused.
    if (address.find(':') == std::string_view::npos || !IpAddress::parse(address)) return false;
    at = bracket + 1;
  } else {
    for (; at < authority.size() && authority[at] != ':'; ++at) {
      if (chars::is(authority[at], chars::kRegName)) continue;
      if (authority[at] != '%' || authority.size() - at < 3) return false;
      if (!chars::is(authority[at + 1], chars::kHex) || !chars::is(authority[at + 2], chars::kHex)) return false;
      at += 2;
    }
    if (at == 0) return false;
  }
  if (at == authority.size()) return true;
  if (authority[at] != ':' || authority.size() - at > 6) return false;
  unsigned port = 0;
  for (const char c : authority.substr(at + 1)) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port <= 65535;
}

bool parse_content_length(std::string_view text, std::uint64_t& length) {
  if (text.empty() || text.size() > 18) return false;
  length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

std::string_view version_text(std::uint8_t major, std::uint8_t minor) {
  if (major == 2) return "HTTP/2";
  return minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

std::string_view via_text(std::uint8_t major, std::uint8_t minor) {
  if (major == 2) return "2.0 gatehouse";
  return minor == 0 ? "1.0 gatehouse" : "1.1 gatehouse";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";  // RFC 9110 reserves the code; RFC 2324 named it
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 510:
      return "Not Extended";
    case 511:
      return "Network Authentication Required";
    default:
      return "Unknown";
  }
}

}  // namespace gatehouse::http
