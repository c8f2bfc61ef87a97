#pragma once
#include "config/model.h"
#include "io/socket.h"

namespace gatehouse::engine {

/// The socket address of a configured one that is no name; the loader has checked the length of paths.
inline io::Endpoint endpoint_of(const config::Address& address) {
  if (address.kind != config::Address::Kind::unix_path) return io::Endpoint::ip(address.ip, address.port);
  return io::Endpoint::unix_path(address.host).value_or(io::Endpoint());
}

}  // namespace gatehouse::engine
