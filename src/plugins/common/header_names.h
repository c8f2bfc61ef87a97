#pragma once
#include <string>
#include <string_view>

#include "config/value_kinds.h"

namespace gatehouse::plugins {

/// "" or why a plugin may not write the field: framing and what belongs to one connection (RFC 9110 section 7.6.1) are
/// the gateway's own, Host is the action's.
std::string check_settable_header(std::string_view name);

/// The name of a field that passes check_settable_header, kept as written.
config::Value<std::string> settable_header();

}  // namespace gatehouse::plugins
