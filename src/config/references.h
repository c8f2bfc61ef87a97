#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/diagnostic.h"

namespace gatehouse::config {

/// What a name in a plugin's options is of. A `caller` is a consumer of the file or one whose keys are in Redis.
enum class Named : std::uint8_t { service, route, consumer, caller, tier, group };

/// A name that a written value refers to.
struct NameReference {
  Named what;
  std::string name;
  Mark mark;
  std::string path = {};  ///< below the value: "exempt.consumers"
};
using References = std::vector<NameReference>;

}  // namespace gatehouse::config
