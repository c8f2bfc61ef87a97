#pragma once
#include <optional>

#include "client/h1_wire.h"
#include "io/socket.h"

namespace gatehouse::client {

/// One HTTP/1.1 connection to a service. It carries one exchange at a time: begin(), the ClientStream's operations,
/// then end(), which says whether it can carry another. Owner: its pool; its reactor's thread.
class H1Client final : public http::ClientStream {
 public:
  /// Starts to connect. Io::failed: error() says why. Then wait for writable() and call connected() until it is not
  /// blocked.
  http::Io connect(io::Reactor& reactor, const io::Endpoint& endpoint);
  http::Io connected();
  /// On a connection that stands: begins to speak TLS. Then call shake_hands() until it is not blocked, waiting for
  /// handshake_signal() between. `session` outlives the connection. Failures are upstream_tls.
  http::Io start_tls(const io::TlsPeer& peer, io::TlsSession& session);
  http::Io shake_hands();
  Signal& handshake_signal() { return wire_.socket.handshake_signal(); }

  /// Starts an exchange; `arena` holds what is sent and received of heads, and outlives it.
  void begin(Arena& arena, http::Method method);
  /// Ends the exchange. True: both messages were complete and the service keeps the connection.
  bool end();
  /// An idle connection on which something happened (bytes nobody asked for, or its end) is of no use any more.
  bool stale() { return !wire_.socket.quiet(); }
  io::Channel& socket() { return wire_.socket; }

  http::Io write_head(const http::RequestHead& head, std::string_view target, std::string_view first,
                      bool last) override;
  http::Io write_body(std::string_view data, bool last) override;
  http::Io finish(const http::Fields& trailers) override;
  http::Io flush() override;
  http::Io read_head(http::ResponseHead& head) override;
  http::Io read_body(http::BodyPiece& piece) override;
  const http::Fields& trailers() const override { return *trailers_; }
  Signal& readable() override { return wire_.socket.readable; }
  Signal& writable() override { return wire_.socket.writable; }
  const Error& error() const override { return error_; }
  void reset() override;
  bool reused() const override { return exchanges_ > 1; }
  bool wrote_anything() const override { return wire_.written() != 0; }

 private:
  http::Io failed(Reason reason, RetrySafety retry, const char* detail, int sys = 0);
  /// The same for a connection that ended before the answer: TLS may have given a reason of its own.
  http::Io lost(RetrySafety retry, const char* detail, int sys);
  http::Io sent(http::Io io);

  H1Wire wire_;
  Arena* arena_ = nullptr;
  std::optional<http::Fields> trailers_;
  http::ResponseParser parser_{http::kUpstreamHeadLimits};
  http::Method method_ = http::Method::get;
  std::uint32_t exchanges_ = 0;
  bool chunked_ = false;       ///< the request's body is sent in chunks
  bool request_done_ = false;  ///< all of the request is queued
  bool keep_alive_ = false;    ///< the response allows another exchange
  bool broken_ = false;
  bool answered_ = false;         ///< a byte of the answer has come
  bool upgrading_ = false;        ///< the request asks for another protocol
  bool upgraded_ = false;         ///< its bytes pass, without framing
  bool awaits_continue_ = false;  ///< the request says Expect, and no 100 has come
  Error error_;
};

}  // namespace gatehouse::client
