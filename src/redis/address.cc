#include "redis/options.h"

namespace gatehouse::redis {

std::string Address::text() const {
  if (port == 0) return "unix:" + host;
  const bool bracketed = host.contains(':');
  return (bracketed ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

}  // namespace gatehouse::redis
