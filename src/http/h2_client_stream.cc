#include "http/h2_client_stream.h"

#include "http/websocket.h"

namespace gatehouse::http {

namespace {

constexpr unsigned kMostHeads = 64;  ///< 1xx responses before the final one; who forwards them has a limit of its own

}  // namespace

// ---- the request ----

Io H2ClientStream::takes_upgrade() {
  if (closed_ || given_up_) return failed();
  if (!session_.greeted()) return Io::blocked;
  if (session_.takes_protocols()) return Io::done;
  error_ = {Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0,
            "the service does not change protocols through HTTP/2"};
  return Io::failed;
}

Io H2ClientStream::write_head(const RequestHead& head, std::string_view target, std::string_view first, bool last) {
  protocol_ = head.upgrade;
  if (!protocol_.empty()) {
    key_ = head.fields.get("Sec-WebSocket-Key");
    last = false;
  }
  const bool has_body = !(last && first.empty());
  if (!session_.submit_request(*this, head, target, scheme_, has_body)) {
    error_ = {Reason::upstream_reset, Source::upstream, RetrySafety::yes, 0, "the service takes no more streams"};
    return Io::failed;
  }
  return sent(has_body ? put_body(first, last) : session_.push(*this));
}

Io H2ClientStream::sent(Io io) {
  return io == Io::failed ? failed() : io;
}

/// Why the stream has ended, as far as the service said.
Io H2ClientStream::failed() {
  if (error_.reason == Reason::upstream_protocol) return Io::failed;
  error_ = {Reason::upstream_reset, Source::upstream, RetrySafety::no, sys_, "the service reset the stream"};
  if (violated()) {
    error_.reason = Reason::upstream_protocol;
    error_.detail = "the service broke HTTP/2's rules";
  } else if (reset_code_ == static_cast<std::uint32_t>(H2Error::refused_stream)) {
    // RFC 9113 section 8.7: nothing of it was processed. So it is with what GOAWAY leaves out.
    error_.retry = RetrySafety::yes;
    error_.detail = "the service refused the stream";
  } else if (connection_lost_) {
    error_.retry = first_ == nullptr && !final_head_ ? RetrySafety::if_reused : RetrySafety::no;
    error_.detail = "the service closed the connection";
  }
  return Io::failed;
}

void H2ClientStream::fail_connection(int sys) {
  if (closed_) return;
  sys_ = sys;
  connection_lost_ = closed_ = cut_ = true;
  pending_ = {};
  readable_.notify();
  writable_.notify();
}

void H2ClientStream::finish_exchange() {
  drop_body();
  if (id_ >= 0 && !closed_) give_up(H2Error::cancel);
  given_up_ = true;
}

// ---- the response ----

Fields& H2ClientStream::head_fields() {
  auto* waiting = static_cast<Waiting*>(arena_.allocate(sizeof(Waiting), alignof(Waiting)));
  new (waiting) Waiting{ResponseHead(arena_), Error{.reason = Reason::none}, nullptr};
  coming_ = waiting;
  return waiting->head.fields;
}

bool H2ClientStream::head_complete(bool ended) {
  if (coming_ == nullptr || ++heads_ > kMostHeads) return false;
  Waiting* const waiting = std::exchange(coming_, nullptr);
  waiting->error = block_.read_response(ended, method_, waiting->head);
  const bool good = waiting->error.reason == Reason::none;
  final_head_ = !good || waiting->head.status >= 200;
  (last_waiting_ == nullptr ? first_ : last_waiting_->next) = waiting;
  last_waiting_ = waiting;
  return good;
}

Io H2ClientStream::read_head(ResponseHead& head) {
  if (first_ == nullptr) return closed_ || given_up_ ? failed() : Io::blocked;
  const Waiting& next = *first_;
  first_ = next.next;
  if (first_ == nullptr) last_waiting_ = nullptr;
  if (next.error.reason != Reason::none) {
    error_ = next.error;
    return Io::failed;
  }
  head = next.head;
  if (!protocol_.empty() && head.status / 100 == 2) become_switch(head);
  return Io::done;
}

/// The answer to CONNECT as HTTP/1.1 would have given it (RFC 8441 section 5).
void H2ClientStream::become_switch(ResponseHead& head) {
  head.status = 101;
  head.reason = reason_phrase(101);
  head.framing = {};
  head.fields.set(FieldId::upgrade, "Upgrade", protocol_);
  if (key_.empty()) return;
  char* const accept = static_cast<char*>(arena_.allocate(kAcceptSize, 1));
  put_accept(accept, key_);
  head.fields.set("Sec-WebSocket-Accept", {accept, kAcceptSize});
}

Io H2ClientStream::read_body(BodyPiece& piece) {
  return sent(take_body(piece));
}

}  // namespace gatehouse::http
