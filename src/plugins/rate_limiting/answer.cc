#include "plugins/rate_limiting/answer.h"

#include <algorithm>
#include <charconv>

#include "plugin/plugin.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::string_view kLimitNames[kPeriods] = {"X-RateLimit-Limit-Second", "X-RateLimit-Limit-Minute",
                                                    "X-RateLimit-Limit-Hour",   "X-RateLimit-Limit-Day",
                                                    "X-RateLimit-Limit-Month",  "X-RateLimit-Limit-Year"};
constexpr std::string_view kRemainingNames[kPeriods] = {"X-RateLimit-Remaining-Second", "X-RateLimit-Remaining-Minute",
                                                        "X-RateLimit-Remaining-Hour",   "X-RateLimit-Remaining-Day",
                                                        "X-RateLimit-Remaining-Month",  "X-RateLimit-Remaining-Year"};

/// Under whose name the exchange keeps what all limiters have noted.
const plugin::Plugin kAll;
struct Noted {
  const Met* last;
};

std::int64_t seconds_up(std::int64_t micros) {
  return (std::max<std::int64_t>(micros, 0) + 999'999) / 1'000'000;
}

/// One limit of one limiter.
struct Shown {
  const Limit* limit = nullptr;  ///< null: none yet
  Standing standing;
  std::int64_t now_us = 0;

  /// Takes the other one where less remains of it, or as much of a longer period.
  void take_narrower(const Met& met, std::size_t at) {
    const Limit& other = met.rule.limits[at];
    const Standing& its = met.decision.standings[at];
    const bool narrower = limit == nullptr || its.remaining < standing.remaining ||
                          (its.remaining == standing.remaining && other.period >= limit->period);
    if (narrower) *this = {&other, its, met.now_us};
  }
};

void set(plugin::Exchange& x, std::string_view name, std::uint64_t value) {
  x.response.fields.set(name, number(x.arena, value));
}

}  // namespace

std::string_view number(Arena& arena, std::uint64_t value) {
  constexpr std::size_t kDigits = 20;
  char* const to = static_cast<char*>(arena.allocate(kDigits, 1));
  return {to, static_cast<std::size_t>(std::to_chars(to, to + kDigits, value).ptr - to)};
}

Style::Style(const Config& config) {
  if (config.hide_client_headers || config.dry_run) return;
  draft = config.header_style == HeaderStyle::draft;
  if (config.header_style != HeaderStyle::kong) return;
  const auto sends = [&](HeaderName name) { return std::ranges::find(config.headers, name) != config.headers.end(); };
  limit = sends(HeaderName::limit);
  remaining = sends(HeaderName::remaining);
  reset = sends(HeaderName::reset);
}

void note(plugin::Exchange& x, Met& met) {
  Noted& noted = x.state<Noted>(kAll);
  met.before = noted.last;
  noted.last = &met;
}

void tell(plugin::Exchange& x) {
  const Noted* const noted = x.find_state<Noted>(kAll);
  if (noted == nullptr) return;
  std::array<Shown, kPeriods> limits, remaining;
  Shown reset, draft;
  for (const Met* met = noted->last; met != nullptr; met = met->before) {
    for (std::size_t i = 0; i < met->rule.limits.size(); ++i) {
      const auto period = static_cast<std::size_t>(met->rule.limits[i].period);
      if (met->style->limit) limits[period].take_narrower(*met, i);
      if (met->style->remaining) remaining[period].take_narrower(*met, i);
      if (met->style->reset) reset.take_narrower(*met, i);
      if (met->style->draft) draft.take_narrower(*met, i);
    }
  }
  for (std::size_t i = 0; i < kPeriods; ++i) {
    if (limits[i].limit != nullptr) set(x, kLimitNames[i], limits[i].limit->most);
    if (remaining[i].limit != nullptr) set(x, kRemainingNames[i], remaining[i].standing.remaining);
  }
  if (reset.limit != nullptr)
    set(x, "X-RateLimit-Reset", static_cast<std::uint64_t>(seconds_up(reset.standing.reset_us)));
  if (draft.limit == nullptr) return;
  set(x, "RateLimit-Limit", draft.limit->most);
  set(x, "RateLimit-Remaining", draft.standing.remaining);
  set(x, "RateLimit-Reset", static_cast<std::uint64_t>(seconds_up(draft.standing.reset_us - draft.now_us)));
}

void tell_when(plugin::Exchange& x, const Decision& decision) {
  set(x, "Retry-After", static_cast<std::uint64_t>(std::max<std::int64_t>(seconds_up(decision.retry_after_us), 1)));
}

}  // namespace gatehouse::plugins::rate_limiting
