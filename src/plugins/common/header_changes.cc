#include "plugins/common/header_changes.h"

#include "http/head.h"
#include "plugins/common/header_names.h"
#include "plugins/common/pairs.h"

namespace gatehouse::plugins {
namespace {

/// All lines of `from` become lines of `to`.
void rename_field(http::Fields& fields, std::string_view from, std::string_view to) {
  if (!fields.has(from)) return;
  fields.remove(to);
  const std::uint32_t count = fields.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    http::Field& field = fields.begin()[i];
    if (field.removed || !http::equal_names(field.name, from)) continue;
    field.removed = true;
    fields.append(to, field.value);
  }
}

}  // namespace

void HeaderChanges::apply(http::Fields& fields) const {
  for (const std::string& name : remove) fields.remove(name);
  for (const auto& [from, to] : rename) rename_field(fields, from, to);
  for (const auto& [name, value] : replace) {
    if (fields.has(name)) fields.set(name, value);
  }
  for (const auto& [name, value] : set) fields.set(name, value);
  for (const auto& [name, value] : add) {
    if (!fields.has(name)) fields.append(name, value);
  }
  for (const auto& [name, value] : append) fields.append(name, value);
}

config::Value<std::vector<std::string>> header_list() {
  return config::list_or_one(settable_header());
}

config::Value<config::NameValues> header_renames() {
  return checked_pairs(config::name_values(true), [](const std::string& from, const std::string& to) -> std::string {
    for (const std::string& name : {from, to}) {
      if (const std::string fault = check_settable_header(name); !fault.empty())
        return fault + ", got \"" + name + "\"";
    }
    return http::equal_names(from, to) ? "must name two different headers" : "";
  });
}

config::Value<config::NameValues> header_values(bool host) {
  return text_pairs(
      config::name_values(true), [host](const std::string& name, const std::string& value) -> std::string {
        if (host && http::field_id(name) == http::FieldId::host) {
          return http::is_valid_authority(value) ? "" : "must be a host or host:port, got \"" + value + "\"";
        }
        if (std::string fault = check_settable_header(name); !fault.empty()) return fault;
        return http::is_field_value(value) ? "" : "must not begin or end with a space";
      });
}

}  // namespace gatehouse::plugins
