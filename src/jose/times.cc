#include "jose/times.h"

namespace gatehouse::jose {
namespace {

/// A NumericDate as seconds; a double tells times near ours to a millionth of a second.
struct Time {
  bool present = false, sound = true;
  double seconds = 0;
};

Time time_of(const ClaimsView& claims, std::string_view name) {
  // Not by path: the claim is one of the root's.
  if (!claims.root().member(name)) return {};
  const auto number = claims.number(name);
  return {.present = true, .sound = number.has_value(), .seconds = number.value_or(0)};
}

}  // namespace

std::string_view to_string(TimeFault fault) {
  switch (fault) {
    case TimeFault::none:
      return "";
    case TimeFault::expired:
      return "the token has expired";
    case TimeFault::not_yet_valid:
      return "the token is not valid yet";
    case TimeFault::issued_in_future:
      return "the token was issued in the future";
    case TimeFault::too_old:
      return "the token is too old";
    case TimeFault::no_issue_time:
      return "the token does not say when it was issued";
    case TimeFault::malformed:
      return "the token's exp, nbf or iat is not a number";
  }
  return "";
}

TimeFault check_times(const ClaimsView& claims, const TimeRules& rules) {
  const Time exp = time_of(claims, "exp"), nbf = time_of(claims, "nbf"), iat = time_of(claims, "iat");
  if (!exp.sound || !nbf.sound || !iat.sound) return TimeFault::malformed;
  const auto now = static_cast<double>(rules.now_s), skew = static_cast<double>(rules.skew_s);
  if (exp.present && now - skew >= exp.seconds) return TimeFault::expired;
  if (nbf.present && now + skew < nbf.seconds) return TimeFault::not_yet_valid;
  if (iat.present && now + skew < iat.seconds) return TimeFault::issued_in_future;
  if (rules.max_age_s == 0) return TimeFault::none;
  if (!iat.present) return TimeFault::no_issue_time;
  return now - skew - iat.seconds >= static_cast<double>(rules.max_age_s) ? TimeFault::too_old : TimeFault::none;
}

bool was_issued_before(const ClaimsView& claims, std::int64_t time_s) {
  const Time iat = time_of(claims, "iat");
  return !iat.present || !iat.sound || iat.seconds < static_cast<double>(time_s);
}

}  // namespace gatehouse::jose
