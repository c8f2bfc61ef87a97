#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "plugin/exchange.h"

namespace gatehouse::plugins {

/// Where clients may put a key or token.
struct TokenPlaces {
  std::vector<std::string> headers;     ///< "Authorization" too: behind `scheme`
  std::vector<std::string> parameters;  ///< of the query
  std::vector<std::string> cookies;
  std::string_view scheme = {};  ///< "Bearer": what stands before the token in Authorization
};

struct TokenFound {
  std::string_view value;  ///< decoded; "" where there is none
  bool repeated = false;   ///< there are different ones, and services might read another than the gateway
};

/// The token that the request carries. Allocates in its arena alone.
TokenFound find_token(plugin::Exchange& exchange, const TokenPlaces& places);
/// Takes it out of everything that is forwarded.
void hide_token(plugin::Exchange& exchange, const TokenPlaces& places);

}  // namespace gatehouse::plugins
