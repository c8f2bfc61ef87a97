#include "client/h1_client.h"

#include <cerrno>

#include "client/handshake.h"

namespace gatehouse::client {

using http::Io;
using io::Transfer;

Io H1Client::failed(Reason reason, RetrySafety retry, const char* detail, int sys) {
  error_ = {reason, Source::upstream, retry, sys, detail};
  broken_ = true;
  return Io::failed;
}

Io H1Client::connect(io::Reactor& reactor, const io::Endpoint& endpoint) {
  const int fd = io::start_connect(endpoint);
  if (fd < 0) return failed(Reason::upstream_connect, RetrySafety::yes, "cannot connect", errno);
  if (!wire_.socket.open(reactor, fd)) {
    return failed(Reason::upstream_connect, RetrySafety::yes, "cannot watch the connection", errno);
  }
  return Io::blocked;
}

Io H1Client::connected() {
  // The first report of epoll comes with the result of connect().
  const int error = io::connect_error(wire_.socket.fd());
  if (error != 0) return failed(Reason::upstream_connect, RetrySafety::yes, "cannot connect", error);
  return Io::done;
}

Io H1Client::start_tls(const io::TlsPeer& peer, io::TlsSession& session) {
  const std::optional<Error> error = client::start_tls(wire_.socket, peer, session);
  if (!error) return Io::blocked;
  error_ = *error;
  broken_ = true;
  return Io::failed;
}

Io H1Client::shake_hands() {
  const Result<bool> done = client::shake_hands(wire_.socket);
  if (done) return *done ? Io::done : Io::blocked;
  error_ = done.error();
  broken_ = true;
  return Io::failed;
}

void H1Client::begin(Arena& arena, http::Method method) {
  arena_ = &arena;
  method_ = method;
  trailers_.emplace(arena);
  parser_.reset();
  ++exchanges_;
  chunked_ = request_done_ = keep_alive_ = answered_ = awaits_continue_ = upgrading_ = upgraded_ = false;
  wire_.reset_written();
}

bool H1Client::end() {
  const bool usable = !broken_ && request_done_ && wire_.flushed() && keep_alive_ && wire_.body_complete() &&
                      !wire_.has_surplus() && !wire_.socket.peer_finished();
  wire_.drop_buffers();
  if (usable) wire_.socket.rest();
  arena_ = nullptr;
  return usable;
}

void H1Client::reset() {
  broken_ = true;
  if (wire_.socket.is_open()) wire_.socket.reset_on_close();
}

Io H1Client::lost(RetrySafety retry, const char* detail, int sys) {
  const io::TlsConnection* const tls = wire_.socket.tls();
  // With TLS 1.3 a service says after the handshake only that it does not take the gateway's certificate.
  const bool said_why = tls != nullptr && *tls->failure() != '\0';
  return failed(said_why ? Reason::upstream_tls : Reason::upstream_reset, retry, said_why ? tls->failure() : detail,
                sys);
}

Io H1Client::sent(Io io) {
  if (io == Io::done && upgraded_ && request_done_) wire_.socket.shut_down_writing();
  if (io != Io::failed) return io;
  // Whether it may be tried again depends on what had left before.
  const RetrySafety retry = wire_.written() == 0 ? RetrySafety::yes : RetrySafety::if_reused;
  return lost(retry, "the service closed the connection while the request was sent", wire_.error_number());
}

Io H1Client::write_head(const http::RequestHead& head, std::string_view target, std::string_view first, bool last) {
  constexpr std::size_t kCopied = 2048;  // a copy this small costs less than a second part of a write
  const http::Framing& framing = head.framing;
  chunked_ = framing.kind == http::Framing::Kind::chunked;
  const std::size_t room =
      head.method_text.size() + target.size() + head.upgrade.size() + http::fields_size(head.fields) + 128 + kCopied;
  char* const start = arena_->reserve(room);
  char* to = http::put(start, head.method_text);
  *to++ = ' ';
  to = http::put(to, target);
  to = http::put(to, " HTTP/1.1\r\n");
  to = http::write_fields(to, head.fields);
  if (chunked_) {
    to = http::put(to, "Transfer-Encoding: chunked\r\n");
  } else if (framing.kind == http::Framing::Kind::length) {
    to = http::put(to, "Content-Length: ");
    to = http::put_number(to, framing.length);
    to = http::put(to, "\r\n");
  }
  upgrading_ = !head.upgrade.empty();
  if (upgrading_) {
    to = http::put(to, "Connection: Upgrade\r\nUpgrade: ");
    to = http::put(to, head.upgrade);
    to = http::put(to, "\r\n");
  }
  to = http::put(to, "\r\n");
  const bool copy = !chunked_ && first.size() <= kCopied;
  if (copy) to = http::put(to, first);
  arena_->take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  if (!copy) wire_.queue_body(first, last, chunked_);
  request_done_ = last;
  awaits_continue_ = head.fields.may_have(http::FieldId::expect) && head.fields.has(http::FieldId::expect);
  return sent(wire_.flush());
}

Io H1Client::write_body(std::string_view data, bool last) {
  wire_.queue_body(data, last, chunked_);
  request_done_ = last;
  return sent(wire_.flush());
}

Io H1Client::finish(const http::Fields& trailers) {
  request_done_ = true;
  if (!chunked_) return Io::done;
  const std::size_t room = http::fields_size(trailers) + 8;
  char* const start = arena_->reserve(room);
  char* to = http::put(start, "0\r\n");
  to = http::write_fields(to, trailers);
  to = http::put(to, "\r\n");
  arena_->take_back(room - static_cast<std::size_t>(to - start));
  wire_.queue({start, static_cast<std::size_t>(to - start)});
  return sent(wire_.flush());
}

Io H1Client::flush() {
  return sent(wire_.flush());
}

Io H1Client::read_head(http::ResponseHead& head) {
  for (;;) {
    if (!wire_.head_bytes().empty()) {
      answered_ = true;
      const http::Parse parsed = parser_.parse(wire_.head_bytes(), method_, head);
      if (parsed == http::Parse::failed) {
        error_ = parser_.error();
        error_.source = Source::upstream;
        broken_ = true;
        return Io::failed;
      }
      if (parsed == http::Parse::complete) {
        wire_.take_head(parser_.size());
        parser_.reset();
        if (head.status == 101) {
          if (!upgrading_) {
            return failed(Reason::upstream_protocol, RetrySafety::no, "the service switched protocols unasked");
          }
          upgraded_ = true;
          request_done_ = false;
          wire_.start_body({http::Framing::Kind::until_close, 0}, nullptr);
        }
        if (head.status == 100) awaits_continue_ = false;
        if (head.status >= 200) {
          // A final answer to Expect without a 100: whether the service will take the body for a body or for the next
          // request, nobody can tell (RFC 9110 section 10.1.1).
          keep_alive_ = head.keep_alive && head.framing.kind != http::Framing::Kind::until_close && !awaits_continue_;
          wire_.start_body(head.framing, &*trailers_);
        }
        return Io::done;
      }
    }
    const Transfer got = wire_.read_head_bytes();
    if (got.kind == Transfer::Kind::done) continue;
    if (got.kind == Transfer::Kind::blocked) return Io::blocked;
    const RetrySafety retry = answered_ ? RetrySafety::no : RetrySafety::if_reused;
    return lost(retry, "the service closed the connection before its answer", got.error);
  }
}

Io H1Client::read_body(http::BodyPiece& piece) {
  const Io io = wire_.read_body(piece);
  if (io != Io::failed) return io;
  if (*wire_.framing_error() != '\0') {
    return failed(Reason::upstream_protocol, RetrySafety::no, wire_.framing_error());
  }
  return failed(Reason::upstream_reset, RetrySafety::no, "the service closed the connection in the middle of its body",
                wire_.error_number());
}

}  // namespace gatehouse::client
