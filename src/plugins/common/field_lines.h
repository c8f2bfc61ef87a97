#pragma once
#include <optional>
#include <string_view>

#include "http/field.h"

namespace gatehouse::plugins {

/// Calls `visit(value)` for each line of a field, in their order. `name` in any case.
template <class Visit>
void each_line(const http::Fields& fields, std::string_view name, Visit visit) {
  const http::FieldId id = http::field_id(name);
  for (const http::Field& field : fields) {
    if (field.removed || field.id != id) continue;
    if (id != http::FieldId::other || http::equal_names(field.name, name)) visit(field.value);
  }
}

/// All lines of a field as one, with ", " between (RFC 9110 section 5.3), in the fields' arena or part of it. nullopt:
/// there is none.
std::optional<std::string_view> joined_lines(const http::Fields& fields, std::string_view name);

}  // namespace gatehouse::plugins
