#include "engine/session.h"

#include <algorithm>

namespace gatehouse::engine {

using http::Io;
using io::Transfer;

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  ///< RFC 9113 section 3.4
constexpr unsigned kMostInTurn = 32;  ///< requests of one connection in a turn of the loop
/// A client that sends its whole body before it reads needs that long to see an answer that came before (nginx's
/// lingering_time and lingering_timeout). A drain waits for a second at most.
constexpr Duration kLinger = std::chrono::seconds(30);
constexpr Duration kLingerQuiet = std::chrono::seconds(5);
constexpr Duration kLingerShort = std::chrono::seconds(1);
constexpr std::size_t kMostDropped = 1024 * 1024;                 ///< bytes in a turn of the loop
constexpr Duration kLingerIdle = std::chrono::milliseconds(200);  ///< nothing was asked: only what crosses on the way

Error bad_request(const char* detail) {
  return {Reason::bad_request, Source::downstream, RetrySafety::no, 0, detail};
}

}  // namespace

Session::Session(io::Reactor& reactor, Handler& handler, std::shared_ptr<const SessionSettings> settings,
                 SessionGauges& gauges, std::uint16_t listener)
    : reactor_(reactor),
      handler_(handler),
      settings_(std::move(settings)),
      gauges_(gauges),
      scope_(reactor.scheduler()),
      local_port_(settings_->port),
      listener_(listener),
      may_be_http2_(settings_->http2 && settings_->tls == nullptr),
      hangup_watch_(*this, [](Wait& wait) { static_cast<Watch&>(wait).session.abort(Reason::client_closed); }),
      end_watch_(*this, [](Wait& wait) {
        Session& session = static_cast<Watch&>(wait).session;
        session.handler_.ended(session);  // destroys it
      }) {}

bool Session::start(int fd, const io::Endpoint& peer) {
  if (!peer.is_unix()) peer_ = peer.address();
  if (!wire_.socket.open(reactor_, fd)) return false;
  hangup_watch_.attach(reactor_.scheduler(), &wire_.socket.hangup, nullptr, kNever);
  task_ = run();
  task_.start();
  return true;
}

void Session::drain() {
  draining_ = true;  // an answer whose head said keep-alive keeps its word: the next one closes
  if (h2_ != nullptr) return h2_->drain();
  if (idle_ || lingering_ || upgraded_) wire_.socket.readable.notify();
}

void Session::abort(Reason reason) {
  scope_.cancel(reason);
}

void Session::set_idle(bool idle) {
  if (idle_ == idle) return;
  idle_ = idle;
  idle ? gauges_.became_idle() : gauges_.became_active();
}

// ---- the connection's life ----

Task<void> Session::run() {
  if (turned_away()) {
    // A TLS handshake is just the work for which there is no room.
    const Error error{turned_away_, Source::internal, RetrySafety::no, 0, "the gateway has no connection left"};
    if (settings_->tls == nullptr) co_await refuse(error, kLingerShort);
  } else {
    bool good = !settings_->proxy_protocol || co_await read_proxy_header();
    if (good && settings_->tls != nullptr) good = co_await shake_hands();
    if (good && secure() && wire_.socket.tls()->protocol() == "h2") {
      co_await serve_http2();
    } else if (good) {
      co_await serve_requests();
    }
  }
  if (responded_ && (!response_done_ || !wire_.flushed())) wire_.socket.break_off();
  wire_.socket.close();
  wire_.drop_buffers();
  arena_.reset();
  set_idle(false);
  reactor_.scheduler().complete(end_watch_, Outcome::ready);  // from the loop: this frame cannot destroy itself
}

Task<void> Session::serve_requests() {
  for (;;) {
    if (reactor_.now() != turn_) {
      turn_ = reactor_.now();
      in_turn_ = 0;
    } else if (++in_turn_ == kMostInTurn) {
      // Pipelined requests that the gateway answers itself need no wait at all.
      co_await next_turn(scope_);
    }
    if (co_await wait_for_request() == Next::close) {
      if (draining_ && !scope_.cancelled()) co_await linger(kLingerIdle, kLingerIdle);
      co_return;
    }
    set_idle(false);
    auto* head = arena_.make<http::RequestHead>(arena_);
    trailers_ = trailers_to_ = arena_.make<http::Fields>(arena_);
    expects_continue_ = responded_ = response_done_ = head_only_ = false;
    body_in_ = body_out_ = 0;
    const Next next = co_await read_head(*head);
    if (next == Next::close) co_return;
    if (next == Next::http2) {
      co_await serve_http2();
      co_return;
    }
    if (next == Next::refuse) {
      co_await refuse(error_, kLinger);
      co_return;
    }
    serving_ = true;
    co_await handler_.serve({*this, scope_, arrival()}, *head, arena_);
    serving_ = false;
    if (scope_.cancelled() || !response_done_ || !wire_.flushed()) co_return;
    if (!keep_alive_ || !request_complete()) {
      // A close with unread bytes would turn the answer into a reset on its way to the client.
      if (!request_complete() || wire_.has_surplus() || wire_.socket.can_read()) co_await linger(kLinger, kLingerQuiet);
      co_return;
    }
    wire_.end_message();
    wire_.socket.rest();
    arena_.reset();
    set_idle(true);
  }
}

Task<void> Session::serve_http2() {
  set_idle(true);
  arena_.reset();
  const H2Connection::Settings settings{settings_->http2_settings, settings_->header_timeout, settings_->idle_timeout,
                                        settings_->body_timeout};
  H2Connection connection(reactor_, wire_.socket, handler_, arrival(), settings, *this);
  connection.begin(wire_.head_bytes());
  wire_.drop_buffers();
  h2_ = &connection;
  if (draining_) connection.drain();
  co_await connection.run(scope_);
  h2_ = nullptr;
  set_idle(false);
  if (!scope_.cancelled()) co_await linger(kLingerShort, kLingerShort);
}

Task<void> Session::refuse(Error error, Duration most) {
  set_idle(false);
  minor_ = 1;
  keep_alive_ = client_keep_alive_ = false;
  wire_.start_body({}, nullptr);
  co_await handler_.refuse({*this, scope_, arrival()}, arena_, error);
  if (!scope_.cancelled()) co_await linger(most, std::min(most, kLingerQuiet));
}

Task<bool> Session::read_proxy_header() {
  if (settings_->may_send_proxy != nullptr && !settings_->may_send_proxy(settings_->context, peer_)) co_return false;
  const TimePoint deadline = deadline_after(reactor_.now(), settings_->header_timeout);
  for (;;) {
    const Transfer got = wire_.read_head_bytes();
    if (got.kind == Transfer::Kind::blocked) {
      if (co_await until(readable(), scope_, deadline) != Outcome::ready) co_return false;
      continue;
    }
    if (got.kind != Transfer::Kind::done) co_return false;
    http::ProxyHeader header;
    const http::Parse parsed = http::parse_proxy_header(wire_.head_bytes(), header);
    if (parsed == http::Parse::failed) co_return false;
    if (parsed == http::Parse::incomplete) continue;
    wire_.take_head(header.size);
    if (!header.local) {
      peer_ = header.source;
      local_port_ = header.destination_port;
    }
    wire_.end_message();  // the head must start a buffer of its own
    co_return true;
  }
}

Task<bool> Session::shake_hands() {
  const TimePoint deadline = deadline_after(reactor_.now(), settings_->header_timeout);
  if (!wire_.socket.start_tls(settings_->tls, wire_.head_bytes())) co_return false;
  wire_.drop_buffers();
  io::TlsConnection& tls = *wire_.socket.tls();
  for (;;) {
    while (!handler_.may_shake_hands()) co_await next_turn(scope_);
    const Transfer step = tls.handshake();
    if (step.kind == Transfer::Kind::done) {
      certificate_ = tls.peer_certificate();
      handler_.handshake_done(*this, tls.resumed());
      co_return true;
    }
    if (step.kind != Transfer::Kind::blocked) {
      handler_.handshake_failed(*this, tls.failure());
      co_return false;
    }
    if (co_await until(tls.wants_write() ? writable() : readable(), scope_, deadline) != Outcome::ready) {
      if (!scope_.cancelled()) handler_.handshake_failed(*this, "not done in time");
      co_return false;
    }
  }
}

Task<Session::Next> Session::wait_for_request() {
  // While draining: a client whose connection was just accepted is about to ask, and one that keeps a connection may
  // have asked in the same moment.
  const Duration last_call = responded_ ? std::chrono::milliseconds(50) : std::chrono::seconds(1);
  TimePoint deadline = deadline_after(reactor_.now(), responded_ ? settings_->idle_timeout : settings_->header_timeout);
  for (bool last = false; !wire_.has_surplus() && !wire_.socket.can_read();) {
    if (draining_ && !last) {
      deadline = std::min(deadline, deadline_after(reactor_.now(), last_call));
      last = true;
    }
    if (co_await until(readable(), scope_, deadline) != Outcome::ready) co_return Next::close;
  }
  co_return Next::request;
}

Task<Session::Next> Session::read_head(http::RequestHead& head) {
  const TimePoint deadline = deadline_after(reactor_.now(), settings_->header_timeout);
  http::RequestParser parser(settings_->head);
  for (;;) {
    if (may_be_http2_ && !wire_.head_bytes().empty()) {
      const std::string_view preface = kPreface.substr(0, wire_.head_bytes().size());
      may_be_http2_ = wire_.head_bytes().starts_with(preface);
      if (may_be_http2_ && preface == kPreface) co_return Next::http2;
    }
    if (!may_be_http2_ && !wire_.head_bytes().empty()) {
      const http::Parse parsed = parser.parse(wire_.head_bytes(), head);
      if (parsed == http::Parse::failed) {
        error_ = parser.error();
        co_return Next::refuse;
      }
      if (parsed == http::Parse::complete) break;
    }
    const Transfer got = wire_.read_head_bytes();
    if (got.kind == Transfer::Kind::done) continue;
    if (got.kind != Transfer::Kind::blocked) co_return Next::close;
    const Outcome outcome = co_await until(readable(), scope_, deadline);
    if (outcome == Outcome::ready) continue;
    if (outcome == Outcome::cancelled || wire_.head_bytes().empty()) co_return Next::close;
    error_ = {Reason::client_timeout, Source::downstream, RetrySafety::no, 0,
              "the request's head did not arrive in time"};
    co_return Next::refuse;
  }
  wire_.take_head(parser.size());
  wire_.start_body(head.framing, trailers_to_);
  minor_ = head.minor;
  client_keep_alive_ = head.keep_alive;
  keep_alive_ = head.keep_alive && !draining_;
  expects_continue_ = head.expect_continue && head.framing.has_body() && head.minor != 0;
  co_return Next::request;
}

Task<void> Session::linger(Duration most, Duration quiet) {
  const TimePoint started = reactor_.now();
  std::size_t in_turn = 0;
  wire_.socket.shut_down_writing();
  wire_.drop_buffers();
  lingering_ = true;
  for (;;) {
    // What lies in the kernel is lost with the connection, once the client sends anything more.
    const bool taking = wire_.socket.unsent() != 0;
    const Duration patience = taking      ? std::max(most, settings_->body_timeout)
                              : draining_ ? std::min(most, kLingerShort)
                                          : most;
    const TimePoint end = deadline_after(started, patience);
    if (reactor_.now() >= end) co_return;
    const Transfer got = wire_.socket.discard();
    if (got.kind == Transfer::Kind::done) {
      in_turn += got.bytes;
      if (in_turn >= kMostDropped) {
        in_turn = 0;
        co_await next_turn(scope_);
      }
    } else if (got.kind != Transfer::Kind::blocked) {
      co_return;
    } else {
      const TimePoint due = std::min(end, deadline_after(reactor_.now(), taking ? kLingerIdle : quiet));
      const Outcome outcome = co_await until(readable(), scope_, due);
      if (outcome != Outcome::ready && !(taking && outcome == Outcome::timeout)) co_return;
    }
  }
}

// ---- the request's body ----

Io Session::client_gone(int sys) {
  error_ = {Reason::client_closed, Source::downstream, RetrySafety::no, sys, "the client closed the connection"};
  return Io::failed;
}

Io Session::read_body(http::BodyPiece& piece) {
  const Io io = wire_.read_body(piece);
  if (io == Io::done) {
    body_in_ += piece.data.size();
    if (!piece.data.empty()) expects_continue_ = false;
  } else if (io == Io::failed) {
    keep_alive_ = false;
    if (*wire_.framing_error() == '\0') return client_gone(wire_.error_number());
    error_ = bad_request(wire_.framing_error());
  }
  return io;
}

void Session::settle_request() {
  constexpr std::size_t kMost = 64 * 1024;
  const std::uint64_t counted = body_in_;
  http::BodyPiece piece;
  for (std::size_t dropped = 0; dropped < kMost && !request_complete(); dropped += piece.data.size()) {
    if (expects_continue_ || read_body(piece) != Io::done) break;
  }
  body_in_ = counted;
  if (!request_complete()) keep_alive_ = false;
}

// ---- the response ----

Io Session::sent(Io io) {
  if (io == Io::done && upgraded_ && response_done_) wire_.socket.shut_down_writing();
  return io == Io::failed ? client_gone(wire_.error_number()) : io;
}

char* Session::put_connection(char* to) const {
  if (!keep_alive_) return http::put(to, "Connection: close\r\n");
  return minor_ == 0 ? http::put(to, "Connection: keep-alive\r\n") : to;
}

namespace {

char* put_status_line(char* to, const http::ResponseHead& head) {
  to = http::put(to, "HTTP/1.1 ");
  to = http::put_number(to, static_cast<std::uint64_t>(head.status));
  *to++ = ' ';
  if (!head.reason.empty()) to = http::put(to, head.reason);
  return http::put(to, "\r\n");
}

}  // namespace

Io Session::write_informational(const http::ResponseHead& head) {
  if (minor_ == 0) return Io::done;  // RFC 9110 section 15.2: never to an HTTP/1.0 client
  if (head.status == 100) expects_continue_ = false;
  const std::size_t room = 64 + head.reason.size() + http::fields_size(head.fields);
  char* const start = arena_.reserve(room);
  char* to = put_status_line(start, head);
  to = http::write_fields(to, head.fields);
  to = http::put(to, "\r\n");
  arena_.take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  return sent(wire_.flush());
}

Io Session::write_head(const http::ResponseHead& head, std::string_view first, bool last, bool head_only) {
  constexpr std::size_t kCopied = 2048;  // a copy this small costs less than a second part of a write
  using Kind = http::Framing::Kind;
  const Kind kind = head.framing.kind;
  const bool unbounded = kind == Kind::chunked || kind == Kind::until_close;
  head_only_ = head_only;
  chunked_ = unbounded && minor_ != 0;
  if (unbounded && !chunked_ && !head_only) keep_alive_ = false;
  if (draining_) keep_alive_ = false;
  const std::size_t room = 160 + head.reason.size() + http::fields_size(head.fields) + kCopied;
  char* const start = arena_.reserve(room);
  char* to = put_status_line(start, head);
  to = http::write_fields(to, head.fields);
  if (chunked_) {
    to = http::put(to, "Transfer-Encoding: chunked\r\n");
  } else if (kind == Kind::length) {
    to = http::put(to, "Content-Length: ");
    to = http::put_number(to, head.framing.length);
    to = http::put(to, "\r\n");
  } else if (kind == Kind::none && !head_only && head.status != 204 && head.status != 304) {
    to = http::put(to, "Content-Length: 0\r\n");  // else the body would reach to the connection's end
  }
  to = put_connection(to);
  to = http::put(to, "\r\n");
  const bool copy = !chunked_ && first.size() <= kCopied;
  if (copy && !head_only) to = http::put(to, first);
  arena_.take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  if (!head_only) {
    body_out_ += first.size();
    if (!copy) wire_.queue_body(first, last, chunked_);
  }
  responded_ = true;
  response_done_ = last || head_only;
  return sent(wire_.flush());
}

Io Session::write_upgrade(const http::ResponseHead& head, std::string_view protocol) {
  const std::size_t room = 160 + head.reason.size() + protocol.size() + http::fields_size(head.fields);
  char* const start = arena_.reserve(room);
  char* to = put_status_line(start, head);
  to = http::write_fields(to, head.fields);
  to = http::put(to, "Connection: Upgrade\r\nUpgrade: ");
  to = http::put(to, protocol);
  to = http::put(to, "\r\n\r\n");
  arena_.take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  wire_.start_body({http::Framing::Kind::until_close, 0}, nullptr);
  hangup_watch_.detach();  // when both sides have ended there may still be bytes to carry on
  responded_ = upgraded_ = true;
  keep_alive_ = chunked_ = false;
  return sent(wire_.flush());
}

Io Session::write_body(std::string_view data, bool last) {
  if (head_only_) return Io::done;
  body_out_ += data.size();
  wire_.queue_body(data, last, chunked_);
  response_done_ = last;
  return sent(wire_.flush());
}

Io Session::finish(const http::Fields& trailers) {
  response_done_ = true;
  if (!chunked_ || head_only_) return Io::done;
  const std::size_t room = http::fields_size(trailers) + 8;
  char* const start = arena_.reserve(room);
  char* to = http::put(start, "0\r\n");
  to = http::write_fields(to, trailers);
  to = http::put(to, "\r\n");
  arena_.take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  return sent(wire_.flush());
}

Io Session::flush() {
  return sent(wire_.flush());
}

void Session::reset() {
  // A client that reads to the end of the connection must not take what it got for the whole.
  wire_.socket.reset_on_close();
  keep_alive_ = false;
  response_done_ = false;
}

}  // namespace gatehouse::engine
