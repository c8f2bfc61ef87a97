#include "http/reserved_names.h"

#include <algorithm>

namespace gatehouse::http {
namespace {

constexpr std::string_view kForbidden[] = {"content-range",
                                           "content-location",
                                           "age",
                                           "expires",
                                           "max-forwards",
                                           "pragma",
                                           "range",
                                           "if-match",
                                           "if-none-match",
                                           "if-modified-since",
                                           "if-unmodified-since",
                                           "if-range",
                                           "warning",
                                           "www-authenticate",
                                           "authentication-info",
                                           "proxy-authentication-info"};

}  // namespace

bool reads_as(std::string_view name, std::string_view as) {
  const auto plain = [](char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(name, as, {}, plain, plain);
}

bool reads_as_one_of(std::string_view name, std::span<const std::string> names) {
  return std::ranges::any_of(names, [name](const std::string& each) { return reads_as(name, each); });
}

bool is_identity_field(std::string_view name) {
  if (name.size() < 11 || (name[0] | 0x20) != 'x' || (name[1] != '-' && name[1] != '_')) return false;
  return reads_as(name.substr(0, 11), "x-consumer-") || reads_as(name, "x-credential-identifier") ||
         reads_as(name, "x-anonymous-consumer");
}

bool is_forwarding_field(std::string_view name) {
  return name.size() > 12 && (name[0] | 0x20) == 'x' && equal_names(name.substr(0, 12), "x-forwarded-");
}

bool may_be_trailer(FieldId id, std::string_view name) {
  switch (id) {
    case FieldId::other:
      // What would be taken out of a head must not come in behind it.
      if (is_identity_field(name) || is_forwarding_field(name) || name.contains('_')) return false;
      return std::none_of(std::begin(kForbidden), std::end(kForbidden),
                          [name](std::string_view forbidden) { return equal_names(forbidden, name); });
    case FieldId::date:
    case FieldId::etag:
    case FieldId::server:
      return true;
    default:
      return false;
  }
}

}  // namespace gatehouse::http
