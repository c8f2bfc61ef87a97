#include "plugins/common/header_names.h"

#include "http/field.h"

namespace gatehouse::plugins {

std::string check_settable_header(std::string_view name) {
  if (std::string fault = config::check_header_name(name, true); !fault.empty()) return fault;
  switch (http::field_id(name)) {
    case http::FieldId::host:
    case http::FieldId::http2_settings:
    case http::FieldId::keep_alive:
    case http::FieldId::proxy_connection:
    case http::FieldId::te:
    case http::FieldId::trailer:
    case http::FieldId::upgrade:
      return "must not name " + std::string(name) + ", which the gateway alone sets";
    default:
      return "";
  }
}

config::Value<std::string> settable_header() {
  return config::string(check_settable_header);
}

}  // namespace gatehouse::plugins
