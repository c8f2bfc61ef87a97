#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

/// Periods that limits are written for, the shortest first.
enum class Period : std::uint8_t { second, minute, hour, day, month, year };
inline constexpr std::size_t kPeriods = 6;
inline constexpr std::string_view kPeriodNames[kPeriods] = {"second", "minute", "hour", "day", "month", "year"};

/// No limit is higher.
inline constexpr std::uint64_t kMostInPeriod = 1'000'000'000;

/// `10000/hour`
struct Rate {
  std::uint64_t most = 0;  ///< requests a period
  Period period = Period::second;
  friend bool operator==(const Rate&, const Rate&) = default;
};

}  // namespace gatehouse
