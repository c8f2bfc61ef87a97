#pragma once
#include <string>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::plugins {

/// A parameter of a query string as it was sent: "name", "name=" or "name=value", still percent-encoded.
struct QueryPart {
  std::string_view text;
  std::string_view name() const { return text.substr(0, text.find('=')); }
  /// With the "=" in front; "" where there is none.
  std::string_view rest() const { return text.substr(name().size()); }
};

/// Takes the part before the first "&" off `query`. Parts may be empty.
inline QueryPart next_query_part(std::string_view& query) {
  const std::size_t end = query.find('&');
  const QueryPart part{query.substr(0, end)};
  query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  return part;
}

/// Whether `encoded` spells `plain`: escapes decoded, "+" read as a space, as services read forms.
bool query_name_is(std::string_view encoded, std::string_view plain);

/// Whether a parameter of that name is there.
bool query_has(std::string_view query, std::string_view name);

/// A value as services read forms: escapes decoded, "+" a space; what is no escape stays. In the arena if it changes.
std::string_view query_decoded(std::string_view encoded, Arena& arena);

/// `query` without the parameters of that name, in the arena.
std::string_view query_without(std::string_view query, std::string_view name, Arena& arena);

/// `text` with everything but RFC 3986's unreserved characters escaped.
std::string percent_encoded(std::string_view text);

}  // namespace gatehouse::plugins
