#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "base/period.h"

/// What is counted and what a count means, without a table, a clock or a request. Each step is integer arithmetic on
/// the three numbers of a Count, so that a script elsewhere can do the same to the same end.
namespace gatehouse::plugins::rate_limiting {

enum class Algorithm : std::uint8_t {
  fixed_window,    ///< counts in windows that begin with the clock's second, minute, hour, day, month, year (UTC)
  sliding_window,  ///< the last period, the window before taken to be spread evenly over its time
  token_bucket,    ///< tokens come back evenly; `burst` of them may be saved up (GCRA: ITU-T I.371)
  leaky_bucket,    ///< nginx's limit_req: what is above the rate waits, up to `burst`
};

/// A window of UTC time, in microseconds since 1970.
struct Window {
  std::int64_t begin = 0, end = 0;
};
Window window_of(Period period, std::int64_t now_us);

inline constexpr std::uint64_t kNoDelay = UINT64_MAX;

struct Limit {
  Period period = Period::second;
  std::uint64_t most = 0;   ///< a period
  std::uint64_t burst = 0;  ///< of a bucket
  std::uint64_t delay = 0;  ///< of a leaky bucket: so many above the rate do not wait; kNoDelay: none does
};

/// The limits of one request.
struct Rule {
  Algorithm algorithm = Algorithm::fixed_window;
  std::span<const Limit> limits;  ///< each of another period, the shortest first
};

/// What is kept for one identity and one period. All zero for who is new.
struct Count {
  /// fixed-window, sliding-window: the window's begin in microseconds. token-bucket: when it was last counted, in
  /// microseconds; leaky-bucket: in milliseconds.
  std::int64_t mark = 0;
  /// What was taken in the window; of a token bucket the whole tokens that are missing in it, which mean the same under
  /// any limit; of a leaky bucket nginx's excess, in thousandths of a request.
  std::int64_t now = 0;
  /// Of a sliding window: taken in the window before. Of a token bucket: what is missing besides, less than a token, in
  /// units (bucket_of).
  std::int64_t previous = 0;
};

/// What a request meets at one limit.
struct Standing {
  std::uint64_t remaining = 0;  ///< behind this request
  std::int64_t reset_us = 0;    ///< Unix time at which the window ends, or the bucket is whole again
};

struct Decision {
  std::array<Standing, kPeriods> standings;  ///< by limit
  std::int64_t retry_after_us = 0;           ///< from now on, until the same request may pass; 0 where it does
  std::int64_t delay_us = 0;                 ///< to wait before it goes on
  bool refused = false;
};

/// What is to become of a request.
enum class Act : std::uint8_t {
  take,  ///< it counts where it fits
  look,  ///< it counts nowhere
  add,   ///< it counts, whatever is left; of one that is refused what remains is behind it too
};

/// Looks at all limits before anything counts: a refused request counts in none and changes nothing, unless it is to be
/// added. `counts` are by limit. A `cost` of 0 always passes.
Decision decide(const Rule& rule, std::span<Count* const> counts, std::uint64_t cost, Act act, std::int64_t now_us);
/// Counts what is known afterwards, whatever is left; what it takes too much is missing later.
Decision charge(const Rule& rule, std::span<Count* const> counts, std::uint64_t cost, std::int64_t now_us);
/// What was let pass and is not counted yet: so much, in the window that begins at `mark`.
struct Late {
  std::int64_t mark = 0;
  std::int64_t amount = 0;
};
/// Counts it where it belongs: in the window of now or the one before; in buckets as if it came now. `late` is by
/// limit, or empty.
void add_late(const Rule& rule, std::span<Count* const> counts, std::span<const Late> late, std::int64_t now_us);
/// Until when a count must be kept, as Unix time in microseconds: behind it, it is as good as none.
std::int64_t kept_until(Algorithm algorithm, const Limit& limit, const Count& count, std::int64_t now_us);

/// A token bucket in whole numbers: a token is `token` units, and `leak` of them come back each microsecond.
struct Bucket {
  std::int64_t token = 1, leak = 1, room = 0;
};
Bucket bucket_of(const Limit& limit);
/// How long a period is where it has no calendar: a bucket's. A month has 30 days, a year 365.
std::int64_t length_of(Period period);
/// nginx's rate: thousandths of a request a second, as an integer.
std::int64_t leaky_rate(const Limit& limit);

}  // namespace gatehouse::plugins::rate_limiting
