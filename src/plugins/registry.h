#pragma once
#include <span>

#include "plugin/build_context.h"

namespace gatehouse::plugins {

/// Every plugin of this build, by name. Made by CMake from the folders beside this file.
std::span<const plugin::PluginType* const> all();

}  // namespace gatehouse::plugins
