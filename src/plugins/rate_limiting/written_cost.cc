#include "plugins/rate_limiting/written_cost.h"

#include <algorithm>
#include <charconv>

#include "base/period.h"

namespace gatehouse::plugins::rate_limiting {

std::optional<std::uint64_t> written_cost(std::string_view text) {
  std::uint64_t cost = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), cost);
  if (fault == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return fault == std::errc::result_out_of_range ? kMostInPeriod : std::min(cost, kMostInPeriod);
}

}  // namespace gatehouse::plugins::rate_limiting
