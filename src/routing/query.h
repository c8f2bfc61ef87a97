#pragma once
#include <string>
#include <string_view>

#include "base/percent.h"

namespace gatehouse::routing {

/// Whether `raw`, decoded, is `text`. Compares in place.
inline bool decodes_to(std::string_view raw, std::string_view text) {
  if (raw.size() < text.size()) return false;
  for (const char c : text) {
    if (raw.empty() || take_form_decoded(raw) != c) return false;
  }
  return raw.empty();
}

inline std::string decode_value(std::string_view raw) {
  std::string value;
  while (!raw.empty()) value += take_form_decoded(raw);
  return value;
}

/// Calls use(decoded value): in place where nothing is encoded, else from the stack; only above 2 KiB from the heap.
template <class Use>
bool with_decoded(std::string_view raw, Use&& use) {
  if (raw.find_first_of("%+") == std::string_view::npos) return use(raw);
  char buffer[2048];
  if (raw.size() > sizeof(buffer)) return use(std::string_view(decode_value(raw)));
  std::size_t size = 0;
  while (!raw.empty()) buffer[size++] = take_form_decoded(raw);
  return use(std::string_view(buffer, size));
}

/// Calls visit(raw value) for each parameter of that (decoded) name until it gives true; whether one did.
/// A parameter without "=" has the value "".
template <class Visit>
bool any_parameter(std::string_view query, std::string_view name, Visit&& visit) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (parameter.empty()) continue;
    const std::size_t equals = parameter.find('=');
    if (!decodes_to(parameter.substr(0, equals), name)) continue;
    if (visit(equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1))) return true;
  }
  return false;
}

}  // namespace gatehouse::routing
