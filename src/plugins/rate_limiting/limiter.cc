#include "plugins/rate_limiting/limiter.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace gatehouse::plugins::rate_limiting {
namespace {

using Wide = __int128;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
/// A count goes no higher, so that no sum of two overflows.
constexpr std::int64_t kMost = std::int64_t{1} << 61;

std::int64_t micros(std::chrono::sys_days day) {
  return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch()).count();
}

std::int64_t capped(Wide value) {
  return static_cast<std::int64_t>(std::min<Wide>(value, kMost));
}
std::int64_t divided_up(Wide value, std::int64_t by) {
  return capped((value + by - 1) / by);
}

/// What one limit says to one request, and the count as it would be behind it.
struct Look {
  Count taken;
  std::int64_t left_before = 0, left_behind = 0;  ///< whole requests, below 0 where it does not fit
  std::int64_t reset_before_us = 0, reset_behind_us = 0;
  std::int64_t retry_after_us = 0, delay_us = 0;
};

// ---- windows ----

/// Moves the count on to the window of `now` and gives that. A clock that is set back a little, into the window before,
/// stays in the window where it was: nobody gets another quota by it. One that is set further begins anew.
Window turn(Period period, Count& count, std::int64_t now) {
  const Window window = window_of(period, now);
  if (count.mark == window.begin) return window;
  if (count.mark == window.end) return window_of(period, count.mark);
  const bool follows = window_of(period, count.mark).end == window.begin;
  count = {window.begin, 0, follows ? count.now : 0};
  return window;
}

/// So many of the window before still count: its share that a period back from `now` covers, rounded down.
std::int64_t still_counting(const Window& window, std::int64_t previous, std::int64_t now) {
  const std::int64_t left = std::min(window.end - now, window.end - window.begin);
  return static_cast<std::int64_t>(Wide{previous} * left / (window.end - window.begin));
}

/// When no more than `room` of `previous` still count in `window`; its end where there never is room.
std::int64_t fits_at(const Window& window, std::int64_t previous, std::int64_t room) {
  if (room < 0) return window.end;
  if (previous <= room) return window.begin;
  const Wide left = ((Wide{room} + 1) * (window.end - window.begin) - 1) / previous;
  return window.end - static_cast<std::int64_t>(left);
}

Look look_at_window(bool sliding, const Limit& limit, Count count, std::int64_t cost, std::int64_t now) {
  const Window window = turn(limit.period, count, now);
  const auto most = static_cast<std::int64_t>(limit.most);
  const std::int64_t used = count.now + (sliding ? still_counting(window, count.previous, now) : 0);
  Look look{.taken = count, .left_before = most - used, .left_behind = most - used - cost};
  look.taken.now = capped(Wide{count.now} + cost);
  look.reset_before_us = look.reset_behind_us = window.end;
  std::int64_t at = window.end;
  if (sliding && count.now + cost <= most) {
    at = fits_at(window, count.previous, most - cost - count.now);
  } else if (sliding) {
    at = fits_at(window_of(limit.period, window.end), count.now, most - cost);
  }
  look.retry_after_us = std::max<std::int64_t>(at - now, 1);
  return look;
}

// ---- buckets ----

/// A clock that was set back no further is waited for: so no time passes twice, also where a thread read its clock
/// before others and counts behind them. As nginx has it.
constexpr std::int64_t kSetBack = 60 * kSecond;

/// The time of a token bucket that was last counted at `mark`.
std::int64_t time_of(std::int64_t mark, std::int64_t now) {
  return mark > now && mark - now <= kSetBack ? mark : now;
}

/// What is missing, in units of `bucket`. Spare units that are another limit's are no more than a token's.
Wide missing_in(const Bucket& bucket, const Count& count) {
  return Wide{count.now} * bucket.token + std::min(count.previous, bucket.token - 1);
}

Look look_at_token_bucket(const Limit& limit, const Count& count, std::int64_t cost, std::int64_t now) {
  const Bucket bucket = bucket_of(limit);
  const std::int64_t time = time_of(count.mark, now);
  const std::int64_t passed = std::max<std::int64_t>(time - count.mark, 0);
  const Wide before = std::max<Wide>(missing_in(bucket, count) - Wide{passed} * bucket.leak, 0);
  const Wide behind = before + Wide{cost} * bucket.token;
  Look look{.taken = {time, capped(behind / bucket.token), static_cast<std::int64_t>(behind % bucket.token)}};
  look.left_before = static_cast<std::int64_t>((bucket.room - before) / bucket.token);
  look.left_behind = behind > bucket.room ? -1 : static_cast<std::int64_t>((bucket.room - behind) / bucket.token);
  look.reset_before_us = time + divided_up(before, bucket.leak);
  look.reset_behind_us = time + divided_up(behind, bucket.leak);
  look.retry_after_us = time - now + divided_up(behind - bucket.room, bucket.leak);
  return look;
}

/// nginx 1.27's ngx_http_limit_req_lookup, in milliseconds and thousandths of a request. A cost above 1 is as if so
/// many came at once.
Look look_at_leaky_bucket(const Limit& limit, const Count& count, std::int64_t cost, std::int64_t now_us) {
  const std::int64_t rate = leaky_rate(limit), now = now_us / 1000;
  const std::int64_t burst = static_cast<std::int64_t>(limit.burst) * 1000;
  std::int64_t passed = now - count.mark;
  if (passed < -kSetBack / 1000) {
    passed = 1;
  } else if (passed < 0) {
    passed = 0;
  }
  const Wide leaked = Wide{count.now} - Wide{rate} * passed / 1000;
  const Wide first = cost > 0 ? std::max<Wide>(leaked + 1000, 0) + Wide{cost - 1} * 1000 : std::max<Wide>(leaked, 0);
  const std::int64_t excess = capped(first), before = capped(std::max<Wide>(leaked, 0));
  Look look{.taken = {passed != 0 ? now : count.mark, excess, 0}};
  look.left_before = (burst - before) / 1000;
  look.left_behind = excess > burst ? -1 : (burst - excess) / 1000;
  look.reset_before_us = now_us + divided_up(Wide{before} * 1'000'000, rate);
  look.reset_behind_us = now_us + divided_up(Wide{excess} * 1'000'000, rate);
  look.retry_after_us = divided_up(Wide{excess - burst} * 1'000'000, rate);
  const bool waits = limit.delay != kNoDelay && excess > static_cast<std::int64_t>(limit.delay) * 1000;
  if (waits) look.delay_us = (excess - static_cast<std::int64_t>(limit.delay) * 1000) * 1000 / rate * 1000;
  return look;
}

Look look_at(Algorithm algorithm, const Limit& limit, const Count& count, std::int64_t cost, std::int64_t now) {
  switch (algorithm) {
    case Algorithm::fixed_window:
      return look_at_window(false, limit, count, cost, now);
    case Algorithm::sliding_window:
      return look_at_window(true, limit, count, cost, now);
    case Algorithm::token_bucket:
      return look_at_token_bucket(limit, count, cost, now);
    case Algorithm::leaky_bucket:
      return look_at_leaky_bucket(limit, count, cost, now);
  }
  return {};
}

}  // namespace

std::int64_t length_of(Period period) {
  constexpr std::int64_t kLengths[kPeriods] = {kSecond, 60 * kSecond, 3600 * kSecond, kDay, 30 * kDay, 365 * kDay};
  return kLengths[static_cast<std::size_t>(period)];
}

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

Bucket bucket_of(const Limit& limit) {
  const std::int64_t length = length_of(limit.period);
  const auto most = static_cast<std::int64_t>(limit.most), burst = static_cast<std::int64_t>(limit.burst);
  const std::int64_t common = std::gcd(length, most);
  const Bucket exact{length / common, most / common, 0};
  constexpr std::int64_t kMostRoom = kMost / 4;  // what charge() takes beyond it is counted as well
  if (Wide{exact.token} * burst <= kMostRoom) return {exact.token, exact.leak, exact.token * burst};
  // Numbers without a common divisor, and a burst of millions: a microsecond a token is then near enough.
  const std::int64_t token = std::max<std::int64_t>(length / most, 1);
  return {token, 1, token * burst};
}

std::int64_t leaky_rate(const Limit& limit) {
  return static_cast<std::int64_t>(limit.most) * 1000 / (length_of(limit.period) / kSecond);
}

Decision decide(const Rule& rule, std::span<Count* const> counts, std::uint64_t cost, Act act, std::int64_t now) {
  std::array<Look, kPeriods> looks;
  Decision decision;
  for (std::size_t i = 0; i < rule.limits.size(); ++i) {
    looks[i] = look_at(rule.algorithm, rule.limits[i], *counts[i], static_cast<std::int64_t>(cost), now);
    if (looks[i].left_behind >= 0 || cost == 0) {
      decision.delay_us = std::max(decision.delay_us, looks[i].delay_us);
      continue;
    }
    decision.refused = true;
    decision.retry_after_us = std::max(decision.retry_after_us, looks[i].retry_after_us);
  }
  const bool takes = act != Act::look && (!decision.refused || act == Act::add) && cost > 0;
  if (!takes || decision.refused) decision.delay_us = 0;
  for (std::size_t i = 0; i < rule.limits.size(); ++i) {
    const Look& look = looks[i];
    if (takes) *counts[i] = look.taken;
    const std::int64_t left = takes ? look.left_behind : look.left_before;
    decision.standings[i] = {static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0)),
                             takes ? look.reset_behind_us : look.reset_before_us};
  }
  return decision;
}

Decision charge(const Rule& rule, std::span<Count* const> counts, std::uint64_t cost, std::int64_t now) {
  for (std::size_t i = 0; i < rule.limits.size(); ++i) {
    *counts[i] = look_at(rule.algorithm, rule.limits[i], *counts[i], static_cast<std::int64_t>(cost), now).taken;
  }
  return decide(rule, counts, 0, Act::look, now);
}

void add_late(const Rule& rule, std::span<Count* const> counts, std::span<const Late> late, std::int64_t now) {
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (late[i].amount == 0) continue;
    const Limit& limit = rule.limits[i];
    Count& count = *counts[i];
    if (rule.algorithm == Algorithm::token_bucket || rule.algorithm == Algorithm::leaky_bucket) {
      count = look_at(rule.algorithm, limit, count, late[i].amount, now).taken;
      continue;
    }
    turn(limit.period, count, now);
    if (late[i].mark == count.mark) {
      count.now = capped(Wide{count.now} + late[i].amount);
    } else if (window_of(limit.period, late[i].mark).end == count.mark) {
      count.previous = capped(Wide{count.previous} + late[i].amount);
    }
  }
}

std::int64_t kept_until(Algorithm algorithm, const Limit& limit, const Count& count, std::int64_t now_us) {
  switch (algorithm) {
    case Algorithm::fixed_window:
      return window_of(limit.period, count.mark).end;
    case Algorithm::sliding_window:
      return window_of(limit.period, window_of(limit.period, count.mark).end).end;
    case Algorithm::token_bucket:
      return time_of(count.mark, now_us) + divided_up(missing_in(bucket_of(limit), count), bucket_of(limit).leak);
    case Algorithm::leaky_bucket:
      // Until the next request finds no more than a first one does.
      return now_us + 1000 + divided_up(Wide{count.now + 1000} * 1'000'000, leaky_rate(limit));
  }
  return now_us;
}

}  // namespace gatehouse::plugins::rate_limiting
