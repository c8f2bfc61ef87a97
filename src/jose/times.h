#pragma once
#include <cstdint>
#include <string_view>

#include "jose/claims.h"

namespace gatehouse::jose {

enum class TimeFault : std::uint8_t {
  none,
  expired,
  not_yet_valid,
  issued_in_future,
  too_old,
  no_issue_time,  ///< there is a maximum age, and no iat to tell the age by
  malformed,      ///< exp, nbf or iat is not a number
};
/// A sentence on it for the client, "" for none.
std::string_view to_string(TimeFault fault);

struct TimeRules {
  std::int64_t now_s = 0;      ///< since 1970
  std::int64_t skew_s = 0;     ///< by which clocks may differ
  std::int64_t max_age_s = 0;  ///< since iat; 0: no limit
};

/// exp, nbf and iat (RFC 7519, section 4.1), those that are there: a token is valid while now < exp + skew, from
/// now >= nbf - skew on, and not issued later than now + skew.
TimeFault check_times(const ClaimsView& claims, const TimeRules& rules);

/// Whether a token was issued before a Unix time; one that does not say when it was, too.
bool was_issued_before(const ClaimsView& claims, std::int64_t time_s);

}  // namespace gatehouse::jose
