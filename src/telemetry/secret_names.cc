#include "telemetry/secret_names.h"

#include <algorithm>
#include <array>

namespace gatehouse::telemetry {
namespace {

// In byte order, for the binary search; written as normalise() leaves them.
constexpr std::array<std::string_view, 34> kUsual{"access_key",
                                                  "access_token",
                                                  "api_key",
                                                  "api_token",
                                                  "apikey",
                                                  "assertion",
                                                  "auth",
                                                  "auth_token",
                                                  "authorization",
                                                  "bearer",
                                                  "client_assertion",
                                                  "client_secret",
                                                  "code",
                                                  "code_verifier",
                                                  "credential",
                                                  "credentials",
                                                  "id_token",
                                                  "id_token_hint",
                                                  "jwt",
                                                  "key",
                                                  "passwd",
                                                  "password",
                                                  "private_key",
                                                  "pwd",
                                                  "refresh_token",
                                                  "secret",
                                                  "session_token",
                                                  "sig",
                                                  "signature",
                                                  "token",
                                                  "x_amz_credential",
                                                  "x_amz_security_token",
                                                  "x_amz_signature",
                                                  "x_api_key"};
static_assert(std::ranges::is_sorted(kUsual));

constexpr std::size_t kMaxName = 128;  // decoded; a longer name is none that we know

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char normalise(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c | 0x20);
  return c == '-' ? '_' : c;
}

/// The end of user information in an absolute target ("http://user:pass@host/"), npos where there is none.
SecretNames::Range user_information(std::string_view target) {
  if (target.empty() || target.front() == '/') return {};
  const std::size_t scheme = target.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t authority_end = std::min(target.find_first_of("/?#", begin), target.size());
  const std::size_t at = target.substr(0, authority_end).rfind('@');
  if (at == std::string_view::npos || at <= begin) return {};
  return {begin, at};
}

}  // namespace

SecretNames::SecretNames(std::span<const std::string> extra) : extra_(extra.begin(), extra.end()) {
  for (std::string& name : extra_) std::ranges::transform(name, name.begin(), normalise);
}

bool SecretNames::known(std::string_view name) const {
  return std::ranges::binary_search(kUsual, name) || std::ranges::find(extra_, name) != extra_.end();
}

bool SecretNames::secret(std::string_view raw_name) const {
  std::array<char, kMaxName> decoded;
  std::size_t size = 0;
  for (std::size_t i = 0; i < raw_name.size(); ++i) {
    char c = raw_name[i];
    if (c == '%' && i + 2 < raw_name.size() && hex_digit(raw_name[i + 1]) >= 0 && hex_digit(raw_name[i + 2]) >= 0) {
      c = static_cast<char>(hex_digit(raw_name[i + 1]) * 16 + hex_digit(raw_name[i + 2]));
      i += 2;
    }
    if (size == decoded.size()) return false;
    decoded[size++] = normalise(c);
  }
  std::string_view name(decoded.data(), size);
  if (known(name)) return true;
  // user[password], token[], filter.password: what lists and objects look like.
  while (!name.empty()) {
    const std::size_t end = name.find_first_of("[].");
    if (end != 0 && known(name.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
  return false;
}

SecretNames::Range SecretNames::next(std::string_view target, std::size_t from) const {
  if (from == 0) {
    const Range user = user_information(target);
    if (user.found()) return user;
  }
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return {};
  std::size_t at = question + 1;
  if (from > at) {
    at = std::min(target.find_first_of("&;", from), target.size() - 1) + 1;
  }
  while (at < target.size()) {
    const std::size_t end = std::min(target.find_first_of("&;", at), target.size());
    const std::string_view parameter = target.substr(at, end - at);
    const std::size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && equals + 1 < parameter.size() && secret(parameter.substr(0, equals))) {
      return {at + equals + 1, end};
    }
    at = end + 1;
  }
  return {};
}

}  // namespace gatehouse::telemetry
