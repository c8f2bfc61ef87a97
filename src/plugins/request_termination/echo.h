#pragma once
#include <string_view>

#include "plugin/exchange.h"

namespace gatehouse::plugins::request_termination {

/// The request's head as a JSON document, in the exchange's arena: `message`, `request` (method, scheme, host, path,
/// query, headers by name, a repeated one as a list), `route` and `service`. Bytes outside ASCII are written as U+0080
/// to U+00FF.
std::string_view echo_of(plugin::Exchange& exchange, std::string_view message);

}  // namespace gatehouse::plugins::request_termination
