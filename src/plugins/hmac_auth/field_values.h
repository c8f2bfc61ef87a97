#pragma once
#include <string_view>

#include "plugin/exchange.h"

namespace gatehouse::plugins::hmac_auth {

/// The value of a request's field as its client sent it: all lines joined by ", " (RFC 9110 section 5.3). Host is
/// the authority that the request goes to; Content-Length is found where the head keeps it. False: there is none.
/// `name` in any case.
bool joined_values(const plugin::Exchange& exchange, std::string_view name, std::string_view& value);

/// Fields that belong to the connection, and those that the gateway writes itself: what the client sent is gone. `name`
/// in lower case.
bool is_gateways_field(std::string_view name);

}  // namespace gatehouse::plugins::hmac_auth
