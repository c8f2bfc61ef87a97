#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse::plugins::rate_limiting {

/// What an answer says that it takes: a number, kMostInPeriod at most. nullopt: it is none.
std::optional<std::uint64_t> written_cost(std::string_view text);

}  // namespace gatehouse::plugins::rate_limiting
