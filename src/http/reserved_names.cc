#include "http/reserved_names.h"

#include "http/field.h"

namespace gatehouse::http {

bool is_identity_field(std::string_view name) {
  if (name.size() < 11 || (name[0] | 0x20) != 'x' || name[1] != '-') return false;
  return equal_names(name.substr(0, 11), "x-consumer-") || equal_names(name, "x-credential-identifier") ||
         equal_names(name, "x-anonymous-consumer");
}

bool is_forwarding_field(std::string_view name) {
  return name.size() > 12 && (name[0] | 0x20) == 'x' && equal_names(name.substr(0, 12), "x-forwarded-");
}

}  // namespace gatehouse::http
