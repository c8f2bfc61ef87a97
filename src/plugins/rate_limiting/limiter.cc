#include "plugins/rate_limiting/limiter.h"

#include <algorithm>
#include <chrono>

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

/// How long a period is where it has no calendar: a bucket's.
std::int64_t length_of(Period period) {
  switch (period) {
    case Period::second:
      return kSecond;
    case Period::minute:
      return 60 * kSecond;
    case Period::hour:
      return 3600 * kSecond;
    case Period::day:
      return kDay;
    case Period::month:
      return 30 * kDay;
    case Period::year:
      return 365 * kDay;
  }
  return kSecond;
}

std::int64_t micros(std::chrono::sys_days day) {
  return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch()).count();
}

/// Moves the count on to the window of `now`.
void turn(Period period, Count& count, const Window& window) {
  if (count.mark == window.begin) return;
  const bool follows = count.now != 0 && window_of(period, window.begin - 1).begin == count.mark;
  count = {window.begin, 0, follows ? count.now : 0};
}

/// How many requests of the window before still count, were they spread evenly over it.
double weight_of(const Window& window, std::int64_t now) {
  return static_cast<double>(window.end - now) / static_cast<double>(window.end - window.begin);
}

std::int64_t interval_of(const Limit& limit) {
  return std::max<std::int64_t>(length_of(limit.period) / static_cast<std::int64_t>(limit.most), 1);
}

Verdict look_at_bucket(const Limit& limit, const Count& count, std::int64_t now) {
  const std::int64_t interval = interval_of(limit);
  const std::int64_t room = interval * static_cast<std::int64_t>(limit.burst);
  const std::int64_t full = std::max(count.mark, now);
  const std::int64_t after = full + interval;
  Verdict verdict;
  verdict.allowed = after - now <= room;
  verdict.remaining = verdict.allowed ? static_cast<std::uint64_t>((room - (after - now)) / interval) : 0;
  verdict.reset_us = verdict.allowed ? after : full;
  verdict.retry_after_us = verdict.allowed ? 0 : after - now - room;
  return verdict;
}

}  // namespace

Window window_of(Period period, std::int64_t now_us) {
  if (period != Period::month && period != Period::year) {
    const std::int64_t length = length_of(period);
    const std::int64_t begin = now_us / length * length;
    return {begin, begin + length};
  }
  using namespace std::chrono;
  const year_month_day date(floor<days>(sys_time<microseconds>(microseconds(now_us))));
  if (period == Period::year) {
    return {micros(sys_days(date.year() / January / 1)), micros(sys_days((date.year() + years(1)) / January / 1))};
  }
  const year_month month = date.year() / date.month();
  return {micros(sys_days(month / 1)), micros(sys_days((month + months(1)) / 1))};
}

Verdict look(Algorithm algorithm, const Limit& limit, Count& count, std::int64_t now_us) {
  if (algorithm == Algorithm::token_bucket) return look_at_bucket(limit, count, now_us);
  const Window window = window_of(limit.period, now_us);
  turn(limit.period, count, window);
  std::uint64_t used = count.now;
  if (algorithm == Algorithm::sliding_window) {
    used += static_cast<std::uint64_t>(static_cast<double>(count.previous) * weight_of(window, now_us));
  }
  Verdict verdict;
  verdict.allowed = used < limit.most;
  verdict.remaining = verdict.allowed ? limit.most - used - 1 : 0;
  verdict.reset_us = window.end;
  if (verdict.allowed) return verdict;
  verdict.retry_after_us = window.end - now_us;
  if (algorithm == Algorithm::sliding_window && count.now < limit.most && count.previous != 0) {
    // When so little is left of the window before that one more fits.
    const double share = static_cast<double>(limit.most - count.now) / static_cast<double>(count.previous);
    const auto length = static_cast<double>(window.end - window.begin);
    const auto at = window.end - static_cast<std::int64_t>(share * length);
    verdict.retry_after_us = std::clamp<std::int64_t>(at - now_us, 1, verdict.retry_after_us);
  }
  return verdict;
}

void take(Algorithm algorithm, const Limit& limit, Count& count, std::int64_t now_us) {
  if (algorithm == Algorithm::token_bucket) {
    count.mark = std::max(count.mark, now_us) + interval_of(limit);
  } else {
    ++count.now;
  }
}

std::int64_t kept_until(Algorithm algorithm, const Limit& limit, std::int64_t now_us) {
  if (algorithm == Algorithm::token_bucket) {
    return now_us + interval_of(limit) * static_cast<std::int64_t>(limit.burst + 1);
  }
  const Window window = window_of(limit.period, now_us);
  return algorithm == Algorithm::sliding_window ? window_of(limit.period, window.end).end : window.end;
}

}  // namespace gatehouse::plugins::rate_limiting
