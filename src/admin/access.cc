#include "admin/access.h"

#include <algorithm>

#include "admin/reply.h"
#include "base/ip_address.h"

namespace gatehouse::admin {
namespace {

bool equal_words(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// What stands behind "Bearer " (RFC 6750 section 2.1; the scheme's case does not matter), "" for another scheme.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!equal_words(authorization.substr(0, kScheme.size()), kScheme)) return {};
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

/// Whether `origin` is "http://" or "https://" and then `host`.
bool is_origin_of(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return equal_words(origin.substr(scheme.size()), host);
  }
  return false;
}

}  // namespace

bool equal_secrets(std::string_view given, std::string_view expected) {
  // volatile: the compiler must not end the loop early once the outcome is known.
  volatile unsigned char differs = given.size() != expected.size();
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char want = expected.empty() ? '\0' : expected[i % expected.size()];
    differs = static_cast<unsigned char>(differs | (given[i] ^ want));
  }
  return differs == 0;
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const auto address = IpAddress::parse(host.substr(1, end - 1));
    return address && address->is_loopback();
  }
  host = host.substr(0, host.find(':'));
  if (equal_words(host, "localhost")) return true;
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

std::optional<engine::LocalResponse> refuse_access(const engine::LocalRequest& request, std::string_view token,
                                                   bool open) {
  if (open) return std::nullopt;
  if (!token.empty()) {
    if (equal_secrets(bearer_token(request.header("Authorization")), token)) return std::nullopt;
    engine::LocalResponse response = error_reply(401, "this needs the admin token: Authorization: Bearer TOKEN");
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"gatehouse\"");
    return response;
  }
  const std::string_view host = request.header("Host");
  if (!is_loopback_host(host)) {
    return error_reply(403, "without an admin token, Host must be localhost or a loopback address");
  }
  const std::string_view origin = request.header("Origin");
  if (request.method == "POST" && !origin.empty() && !is_origin_of(origin, host)) {
    return error_reply(403, "without an admin token, pages of other origins may change nothing here");
  }
  return std::nullopt;
}

}  // namespace gatehouse::admin
