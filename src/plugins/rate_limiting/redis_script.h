#pragma once

namespace gatehouse::plugins::rate_limiting {

/// Decides over all limits of a request as decide() does, and counts, on Redis' clock: Lua 5.1 with nothing but its
/// base functions, for Redis from 3.2 on and what speaks like it. All arithmetic is exact.
///
/// KEYS: one for each limit. ARGV: the algorithm ("fixed", "sliding", "token", "leaky"), what to do ("take", "look":
/// counts nothing, "add": whatever is left), the cost, the time in microseconds ("" for the server's own), then three
/// numbers for each limit: of a window its length in microseconds, or 0 and its length in months, and the limit; of a
/// token bucket Bucket's `token` and `leak`, and the burst in requests; of a leaky bucket the rate and the burst, both
/// in thousandths. Behind them
/// there may be two numbers for each limit, what add_late() is to count before: Late's `mark` and `amount`.
///
/// The answer: the time in microseconds, then for each limit what was there before, as it is kept ("mark a b"), or nil.
/// `a` and `b` are Count's `now` and `previous`; of a token bucket whole tokens that are missing, and units beside
/// them.
extern const char* const kScript;

}  // namespace gatehouse::plugins::rate_limiting
