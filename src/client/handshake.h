#pragma once
#include <optional>

#include "base/error.h"
#include "io/channel.h"

namespace gatehouse::client {

// TLS towards a service, for both kinds of connections. Errors are upstream_tls: nothing of a request was sent.

/// On a connection that stands: begins to speak TLS; `session` outlives it.
std::optional<Error> start_tls(io::Channel& socket, const io::TlsPeer& peer, io::TlsSession& session);
/// True once the handshake is complete; false: wait for the socket's handshake_signal() and call again.
Result<bool> shake_hands(io::Channel& socket);

}  // namespace gatehouse::client
