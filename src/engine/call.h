#pragma once
#include <cstdint>

#include "base/ip_address.h"
#include "base/peer_certificate.h"
#include "base/scheduler.h"
#include "http/stream.h"

namespace gatehouse::engine {

/// What the connection says about a request.
struct Arrival {
  IpAddress peer;          ///< unspecified for a Unix socket
  std::uint16_t port = 0;  ///< the one that the client connected to; 0 for a Unix socket
  bool secure = false;     ///< through TLS
  std::uint16_t listener = 0;
  const PeerCertificate* certificate = nullptr;  ///< the client's, verified; null if it showed none
};

/// One request's client, as who answers it sees it, whatever protocol it speaks. Lives as long as the exchange.
struct Call {
  http::ServerStream& stream;
  Scope& scope;  ///< the exchange's: cancelled when the client has gone
  Arrival arrival;
};

}  // namespace gatehouse::engine
