#pragma once
#include <cstdint>
#include <optional>

namespace gatehouse::plugins::rate_limiting {

/// Periods that limits are written for; the order is that of the configuration.
enum class Period : std::uint8_t { second, minute, hour, day, month, year };
inline constexpr std::size_t kPeriods = 6;

enum class Algorithm : std::uint8_t {
  fixed_window,    ///< counts in windows that begin with the clock's second, minute, hour, day, month, year (UTC)
  sliding_window,  ///< the last period, the window before taken to be spread evenly over its time
  token_bucket,    ///< tokens come back evenly; `burst` of them may be saved up (GCRA: ITU-T I.371, without a queue)
};

/// A window of UTC time, in microseconds since 1970.
struct Window {
  std::int64_t begin = 0, end = 0;
};
Window window_of(Period period, std::int64_t now_us);

/// What is kept for one identity and one period.
struct Count {
  std::int64_t mark = 0;       ///< the window's begin; of a bucket: when it is full again, as Unix time
  std::uint64_t now = 0;       ///< requests in this window
  std::uint64_t previous = 0;  ///< in the one before
};

struct Limit {
  Period period = Period::second;
  std::uint64_t most = 0;   ///< requests a period
  std::uint64_t burst = 0;  ///< of a bucket; at least 1
};

/// What a request meets at one limit.
struct Verdict {
  bool allowed = false;
  std::uint64_t remaining = 0;      ///< after this request, if it is allowed
  std::int64_t reset_us = 0;        ///< Unix time at which the limit is whole again
  std::int64_t retry_after_us = 0;  ///< from now on, until a request may pass; 0 where it is allowed
};

/// Looks, and changes nothing but what time has changed.
Verdict look(Algorithm algorithm, const Limit& limit, Count& count, std::int64_t now_us);
/// Counts a request that all limits allow.
void take(Algorithm algorithm, const Limit& limit, Count& count, std::int64_t now_us);
/// Until when a count must be kept, as Unix time in microseconds.
std::int64_t kept_until(Algorithm algorithm, const Limit& limit, std::int64_t now_us);

}  // namespace gatehouse::plugins::rate_limiting
