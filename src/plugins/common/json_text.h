#pragma once
#include <string>

#include "config/value_kinds.h"

namespace gatehouse::plugins {

/// Any mapping, as JSON on one line.
config::Value<std::string> json_text();

}  // namespace gatehouse::plugins
