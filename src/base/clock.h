#pragma once
#include <chrono>
#include <cstdint>

namespace gatehouse {

using Duration = std::chrono::nanoseconds;
/// A point on the steady clock. Only this file and the scheduler read it.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr TimePoint kNever = TimePoint::max();
inline constexpr Duration kOff = Duration::max();  ///< a timeout that is switched off

/// `now + after`, kNever where `after` is kOff or the sum would overflow.
inline TimePoint deadline_after(TimePoint now, Duration after) {
  return after >= kNever - now ? kNever : now + after;
}

/// Reads the steady clock (one vDSO call, some 20 ns). On the data path use Scheduler::now() instead.
TimePoint steady_now();
/// Microseconds since 1970-01-01T00:00:00Z.
std::int64_t wall_clock_us();

}  // namespace gatehouse
