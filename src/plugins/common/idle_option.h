#pragma once
#include <string>

#include "config/node.h"
#include "config/value_kinds.h"

namespace gatehouse::plugins {

/// Refuses the option `key` of `node`, which does nothing as the others stand; `needs` says what it goes with. For
/// values that differ from the default: what `print` fills in is no fault.
inline void refuse_idle(const config::Where& at, const config::Node& node, const char* key, const std::string& needs) {
  const config::Node* const written = node.find(key);
  at.key(key, written != nullptr ? written->mark() : node.mark())
      .error("needs " + needs + ": as it stands it would do nothing");
}

}  // namespace gatehouse::plugins
