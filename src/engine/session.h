#pragma once
#include <memory>
#include <string_view>

#include "base/list.h"
#include "base/task.h"
#include "client/h1_wire.h"
#include "engine/call.h"
#include "engine/h2_connection.h"
#include "http/proxy_protocol.h"
#include "http/stream.h"
#include "io/reactor.h"
#include "io/socket.h"

namespace gatehouse::engine {

class Session;

/// What a connection's requests are handed to. One per worker (or for the admin listener); outlives its sessions.
class Handler {
 public:
  virtual ~Handler() = default;
  /// A request's head has arrived: answer it on the call's stream. Returns when the answer is complete or given up.
  virtual Task<void> serve(const Call& call, http::RequestHead& head, Arena& arena) = 0;
  /// What came is no request that can be answered otherwise than by `error`'s status.
  virtual Task<void> refuse(const Call& call, Arena& arena, const Error& error) = 0;
  /// Whether one more step of a TLS handshake may be taken in this turn of the loop: each is much work.
  virtual bool may_shake_hands() { return true; }
  /// TLS stands; `resumed`: by a session of before.
  virtual void handshake_done(Session& session, bool resumed) {}
  /// The connection ends without a request. `why` is a literal, "" where the client left.
  virtual void handshake_failed(Session& session, const char* why) {}
  /// The session ends because its client broke HTTP/2's rules: an error code of RFC 9113 section 7.
  virtual void http2_gave_up(Session& session, std::uint32_t error) {}
  /// The session has ended; `session` is destroyed right after.
  virtual void ended(Session& session) = 0;
};

/// What all connections of one listener on one worker have in common. Replaced as a whole when a reload changes it.
struct SessionSettings {
  http::HeadLimits head;
  Duration header_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(75);
  Duration body_timeout = std::chrono::seconds(30);
  std::uint16_t port = 0;  ///< of the listener; 0 for a Unix socket
  bool proxy_protocol = false;
  bool http2 = false;  ///< chosen by ALPN, or where plain by the client's preface
  http::H2Settings http2_settings;
  std::shared_ptr<const io::TlsServer> tls;                                      ///< null: plain
  bool (*may_send_proxy)(const void* context, const IpAddress& peer) = nullptr;  ///< null: anyone
  const void* context = nullptr;
};

/// Counters that a session keeps up to date; plain, of its worker.
struct SessionGauges {
  virtual ~SessionGauges() = default;
  virtual void became_active() = 0;
  virtual void became_idle() = 0;
};

/// One client's connection. HTTP/2 is an H2Connection's; HTTP/1.1 is spoken here: it reads heads, hands each to the
/// Handler, and is the ServerStream on which it answers. Owner: its worker's list; destroys itself when the connection
/// has ended. The worker's thread.
///
/// While it is idle it holds no buffer; what it costs then is this object and one coroutine frame.
class Session final : public http::ServerStream, private H2Connection::Watcher {
 public:
  /// Takes over `fd`. `listener` is the handler's to use.
  Session(io::Reactor& reactor, Handler& handler, std::shared_ptr<const SessionSettings> settings,
          SessionGauges& gauges, std::uint16_t listener);

  /// Before start(): the connection is told `reason` and closed, whatever it would have asked.
  void turn_away(Reason reason) { turned_away_ = reason; }
  bool turned_away() const { return turned_away_ != Reason::none; }
  /// Starts to serve. False: the descriptor could not be watched; the session is to be destroyed.
  bool start(int fd, const io::Endpoint& peer);
  /// No further request after the one under way; an idle connection closes after one more look.
  void drain();
  /// Ends at once.
  void abort(Reason reason);

  io::Reactor& reactor() const { return reactor_; }
  Scope& scope() { return scope_; }
  const IpAddress& peer() const { return peer_; }
  std::uint16_t listener() const { return listener_; }
  bool has_certificate() const { return certificate_ != nullptr; }
  Arrival arrival() const { return {peer_, local_port_, secure(), listener_, certificate_.get()}; }
  bool idle() const { return idle_; }
  /// A request's head has come whole, and its answer is not complete.
  bool serving() const { return serving_; }
  bool secure() const { return wire_.socket.tls() != nullptr; }

  http::Io read_body(http::BodyPiece& piece) override;
  const http::Fields& trailers() const override { return *trailers_; }
  Signal& readable() override { return wire_.socket.readable; }
  http::Io write_informational(const http::ResponseHead& head) override;
  http::Io write_head(const http::ResponseHead& head, std::string_view first, bool last, bool head_only) override;
  http::Io write_body(std::string_view data, bool last) override;
  http::Io write_upgrade(const http::ResponseHead& head, std::string_view protocol) override;
  http::Io finish(const http::Fields& trailers) override;
  http::Io flush() override;
  bool closing() const override { return draining_; }
  Signal& writable() override { return wire_.socket.writable; }
  const Error& error() const override { return error_; }
  void reset() override;
  bool expects_continue() const override { return expects_continue_; }
  bool request_complete() const override { return wire_.body_complete(); }
  void settle_request() override;
  void close_after() override { keep_alive_ = false; }
  bool responded() const override { return responded_; }
  std::uint64_t body_in() const override { return body_in_; }
  std::uint64_t body_out() const override { return body_out_; }

  ListHook hook;  ///< in the worker's list of sessions

 private:
  struct Watch : Wait {
    Watch(Session& owner, Fire fire) : Wait(fire), session(owner) {}
    Session& session;
  };
  enum class Next : std::uint8_t { request, close, refuse, http2 };

  Task<void> run();
  Task<void> serve_requests();
  Task<void> serve_http2();
  void became_idle(bool idle) override { set_idle(idle); }
  void gave_up(std::uint32_t error) override { handler_.http2_gave_up(*this, error); }
  /// Answers with `error`'s status what is no request, and closes.
  Task<void> refuse(Error error, Duration most);
  Task<bool> read_proxy_header();
  Task<bool> shake_hands();
  Task<Next> wait_for_request();
  Task<Next> read_head(http::RequestHead& head);
  /// Ends our side and drops what still comes, so that no reset overtakes the answer; no longer than `most`, nor than
  /// `quiet` without a byte.
  Task<void> linger(Duration most, Duration quiet);
  void set_idle(bool idle);
  http::Io client_gone(int sys);
  http::Io sent(http::Io io);
  char* put_connection(char* to) const;

  io::Reactor& reactor_;
  Handler& handler_;
  std::shared_ptr<const SessionSettings> settings_;
  SessionGauges& gauges_;
  Scope scope_;
  client::H1Wire wire_;
  Arena arena_;
  IpAddress peer_;
  std::unique_ptr<const PeerCertificate> certificate_;  ///< the client's
  std::uint16_t local_port_ = 0;
  std::uint16_t listener_;

  const http::Fields* trailers_ = nullptr;
  http::Fields* trailers_to_ = nullptr;
  Error error_;
  std::uint64_t body_in_ = 0;
  std::uint64_t body_out_ = 0;
  std::uint8_t minor_ = 1;
  bool keep_alive_ = false;
  bool client_keep_alive_ = false;
  bool chunked_ = false;
  bool head_only_ = false;
  bool upgraded_ = false;  ///< another protocol's bytes pass, without framing
  bool response_done_ = false;
  bool expects_continue_ = false;
  bool responded_ = false;
  bool draining_ = false;
  bool serving_ = false;
  bool idle_ = true;
  bool lingering_ = false;
  bool may_be_http2_;  ///< nothing has come that says otherwise
  H2Connection* h2_ = nullptr;
  Reason turned_away_ = Reason::none;
  TimePoint turn_{};  ///< the turn of the loop in which in_turn_ requests were served
  unsigned in_turn_ = 0;

  Task<void> task_;
  Watch hangup_watch_;
  Watch end_watch_;
};

}  // namespace gatehouse::engine
