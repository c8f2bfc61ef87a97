#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/field.h"

namespace gatehouse::plugins::rate_limiting {

/// Calls `visit(value)` for each line of a field, in their order.
template <class Visit>
void each_line(const http::Fields& fields, std::string_view name, Visit visit) {
  const http::FieldId id = http::field_id(name);
  for (const http::Field& field : fields) {
    if (field.removed || field.id != id) continue;
    if (id != http::FieldId::other || http::equal_names(field.name, name)) visit(field.value);
  }
}

/// All lines of a field as one (RFC 9110 section 5.3), in the fields' arena or part of it; "" if there is none.
std::string_view joined_lines(const http::Fields& fields, std::string_view name);

/// What an answer says that it takes: a number, kMostInPeriod at most. nullopt: it is none.
std::optional<std::uint64_t> written_cost(std::string_view text);

}  // namespace gatehouse::plugins::rate_limiting
