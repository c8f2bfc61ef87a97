#include "plugins/rate_limiting/written_cost.h"

#include <algorithm>

#include "base/number.h"
#include "base/period.h"

namespace gatehouse::plugins::rate_limiting {

std::optional<std::uint64_t> written_cost(std::string_view text) {
  const auto cost = parse_number_or_most<std::uint64_t>(text);
  return cost ? std::optional(std::min(*cost, kMostInPeriod)) : std::nullopt;
}

}  // namespace gatehouse::plugins::rate_limiting
