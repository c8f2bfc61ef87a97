#include "plugins/common/query_string.h"

#include <algorithm>

#include "base/percent.h"

namespace gatehouse::plugins {
bool query_name_is(std::string_view encoded, std::string_view plain) {
  for (const char c : plain) {
    if (encoded.empty() || take_form_decoded(encoded) != c) return false;
  }
  return encoded.empty();
}

bool query_has(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    if (query_name_is(next_query_part(query).name(), name)) return true;
  }
  return false;
}

std::string_view query_decoded(std::string_view encoded, Arena& arena) {
  if (encoded.find_first_of("%+") == std::string_view::npos) return encoded;
  char* const start = arena.reserve(encoded.size());
  char* to = start;
  const std::size_t room = encoded.size();
  while (!encoded.empty()) *to++ = take_form_decoded(encoded);
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(room - size);
  return {start, size};
}

std::string_view query_without(std::string_view query, std::string_view name, Arena& arena) {
  char* const start = arena.reserve(query.size());
  const std::size_t most = query.size();
  char* to = start;
  bool first = true;
  while (!query.empty()) {
    const QueryPart part = next_query_part(query);
    if (query_name_is(part.name(), name)) continue;
    if (!first) *to++ = '&';
    first = false;
    to = std::copy(part.text.begin(), part.text.end(), to);
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(most - size);
  return {start, size};
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    char bytes[3] = {c};
    result.append(bytes, is_unreserved(c) ? bytes + 1 : put_escape(bytes, c));
  }
  return result;
}

}  // namespace gatehouse::plugins
