#include "client/handshake.h"

#include <cerrno>

namespace gatehouse::client {

using io::Transfer;

std::optional<Error> start_tls(io::Channel& socket, const io::TlsPeer& peer, io::TlsSession& session) {
  if (socket.start_tls(peer, session)) return std::nullopt;
  return Error{Reason::upstream_tls, Source::upstream, RetrySafety::yes, ENOMEM, "TLS cannot be begun"};
}

Result<bool> shake_hands(io::Channel& socket) {
  const Transfer step = socket.tls()->handshake();
  if (step.kind == Transfer::Kind::done) return true;
  if (step.kind == Transfer::Kind::blocked) return false;
  const char* const said = socket.tls()->failure();
  const char* const why = *said != '\0' ? said : "it closed the connection during the handshake";
  return fail({Reason::upstream_tls, Source::upstream, RetrySafety::yes, step.error, why});
}

}  // namespace gatehouse::client
