#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::routing {

/// One route that was looked at.
struct Candidate {
  std::uint32_t route = 0;  ///< index into Model::routes
  std::uint16_t path = 0;   ///< which of its path patterns
  bool matched = false;     ///< all its tests held (only the first such wins; later ones say "not reached")
  bool reached = true;      ///< false for candidates after the winner
  std::string failed;  ///< the first test that failed: 'method: POST is not one of GET', 'header X-API-Version: "v1" is
                       ///< not "v2"'
  std::string rank;    ///< why it stands where it does: "priority 0, host exact, path literal depth 2, 1 condition"
};

/// Why a request went where it went. Filled by every matcher, native or foreign.
struct Explanation {
  std::vector<Candidate> candidates;  ///< in order
  std::string decision;               ///< "route users wins: first in the order whose tests all hold"
};

}  // namespace gatehouse::routing
