#pragma once
#include <string>
#include <vector>

#include "config/loader.h"

namespace gatehouse::engine {

/// What differs between two configurations, a sentence each ("route users: changed", "listeners: changed"), in the
/// order of the file; for the log and the admin API.
std::vector<std::string> changes_between(const config::Loaded& before, const config::Loaded& after);

}  // namespace gatehouse::engine
