#pragma once
#include <string_view>

#include "plugin/exchange.h"
#include "plugins/rate_limiting/config.h"

namespace gatehouse::plugins::rate_limiting {

/// Which fields a limiter sends.
struct Style {
  explicit Style(const Config& config);
  bool limit = false, remaining = false, reset = false;  ///< X-RateLimit-…
  bool draft = false;                                    ///< RateLimit-…
  bool none() const { return !limit && !remaining && !reset && !draft; }
};

/// What a request met at one limiter; in its arena.
struct Met {
  const Style* style;
  Rule rule;
  Decision decision;
  std::int64_t now_us;  ///< of the decision
  const Met* before;    ///< another limiter of the same exchange
};

/// A limiter has decided: `met` is among what clients are told from now on.
void note(plugin::Exchange& x, Met& met);
/// Writes the fields, of all limiters so far: of each window the one with least remaining.
void tell(plugin::Exchange& x);
/// Retry-After, in seconds, rounded up.
void tell_when(plugin::Exchange& x, const Decision& decision);

/// In decimal, in the arena.
std::string_view number(Arena& arena, std::uint64_t value);

}  // namespace gatehouse::plugins::rate_limiting
