#pragma once
#include <string_view>

#include "plugin/exchange.h"
#include "plugins/rate_limiting/config.h"

namespace gatehouse::plugins::rate_limiting {

/// Whose count it is, as a text in the arena that no other identity shares: what `limit_by` lists, joined, with the
/// stand-ins for what the request does not have.
std::string_view identity_of(plugin::Exchange& x, const Config& config);

/// The counts of a consumer and of a credential wherever they are known (tiers).
std::string_view identity_of_consumer(plugin::Exchange& x);
std::string_view identity_of_credential(plugin::Exchange& x);

/// Whether nothing is counted for the request.
bool is_exempt(const plugin::Exchange& x, const Exempt& exempt);

}  // namespace gatehouse::plugins::rate_limiting
