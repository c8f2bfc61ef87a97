#pragma once
#include <cstdint>
#include <string_view>

#include "plugin/exchange.h"

namespace gatehouse::plugins::basic_auth {

/// What Authorization holds, by RFC 7617.
struct BasicCredentials {
  enum class Found : std::uint8_t {
    none,      ///< no Authorization, or one of another scheme
    repeated,  ///< several: the service might read another than the gateway
    bad,       ///< not base64, no colon, not UTF-8 or with control characters
    good,
  };
  Found found = Found::none;
  std::string_view username = {}, password = {};  ///< in the arena
};

/// `value` is one Authorization field's.
BasicCredentials parse_basic(std::string_view value, Arena& arena);
/// Looks into all Authorization fields of the request.
BasicCredentials find_basic(const plugin::Exchange& exchange);

}  // namespace gatehouse::plugins::basic_auth
