#include "telemetry/secret_names.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/percent.h"

namespace gatehouse::telemetry {
namespace {

// Written as normalise() leaves them.
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

/// By first letter, a bit for each length that a usual name has: rules out nearly every other name at once.
constexpr std::array<std::uint32_t, 26> kLengths = [] {
  std::array<std::uint32_t, 26> lengths{};
  for (const std::string_view name : kUsual) lengths[static_cast<std::size_t>(name[0] - 'a')] |= 1u << name.size();
  return lengths;
}();
static_assert(std::ranges::all_of(kUsual, [](std::string_view name) { return name.size() < 32; }));

bool usual(std::string_view name) {
  if (name.size() >= 32 || name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  if ((kLengths[static_cast<std::size_t>(name[0] - 'a')] >> name.size() & 1) == 0) return false;
  return std::ranges::find(kUsual, name) != kUsual.end();
}

constexpr std::size_t kMaxName = 128;  // decoded; a longer name is none that we know

char normalise(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c | 0x20);
  return c == '-' ? '_' : c;
}

/// Where the parameter ends that `from` is in. A plain loop: find_first_of calls memchr for each byte.
std::size_t parameter_end(std::string_view target, std::size_t from) {
  while (from < target.size() && target[from] != '&' && target[from] != ';') ++from;
  return from;
}
/// Where a value ends that must not be seen: a ";" may be a part of it.
std::size_t secret_end(std::string_view target, std::size_t from) {
  return std::min(target.find('&', from), target.size());
}

/// User information in an absolute target ("http://user:pass@host/") or an authority ("user@host:443"). A "://" further
/// on, as in a query, is none of a scheme's.
SecretNames::Range user_information(std::string_view target) {
  if (target.empty() || target.front() == '/') return {};
  std::size_t begin = 0;
  std::size_t authority_end = std::min(target.find_first_of("/?#"), target.size());
  if (authority_end != 0 && target[authority_end - 1] == ':' && target.substr(authority_end).starts_with("//")) {
    begin = authority_end + 2;
    authority_end = std::min(target.find_first_of("/?#", begin), target.size());
  }
  const std::size_t at = target.substr(0, authority_end).rfind('@');
  if (at == std::string_view::npos || at <= begin) return {};
  return {begin, at};
}

}  // namespace

SecretNames::SecretNames(std::span<const std::string> extra) : extra_(extra.begin(), extra.end()) {
  for (std::string& name : extra_) std::ranges::transform(name, name.begin(), normalise);
}

bool SecretNames::known(std::string_view name) const {
  return usual(name) || std::ranges::find(extra_, name) != extra_.end();
}

bool SecretNames::secret(std::string_view raw_name) const {
  std::array<char, kMaxName> decoded;
  std::size_t size = 0;
  bool nested = false;
  for (std::size_t i = 0; i < raw_name.size(); ++i) {
    char c = raw_name[i];
    if (const int byte = percent_decoded(raw_name.substr(i)); byte >= 0) {
      c = static_cast<char>(byte);
      i += 2;
    }
    if (size == decoded.size()) return false;
    decoded[size++] = normalise(c);
    nested = nested || c == '[' || c == '.';
  }
  std::string_view name(decoded.data(), size);
  if (known(name)) return true;
  if (!nested) return false;
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
    at = parameter_end(target, from) + 1;
  }
  while (at < target.size()) {
    const std::size_t end = parameter_end(target, at);
    const std::string_view parameter = target.substr(at, end - at);
    const std::size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && equals + 1 < parameter.size() && secret(parameter.substr(0, equals))) {
      return {at + equals + 1, secret_end(target, end)};
    }
    at = end + 1;
  }
  return {};
}

}  // namespace gatehouse::telemetry
