#pragma once
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace gatehouse::engine {

/// How long a response is fresh from now on (RFC 9111 sections 4.2 and 5.2.2): max-age without the Age that it has
/// already; nothing where it must not be kept or used unasked, or says something that is no time. nullopt:
/// Cache-Control does not say.
std::optional<Duration> freshness(std::string_view cache_control, std::string_view age);

}  // namespace gatehouse::engine
