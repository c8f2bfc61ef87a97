#include "http/h2_server_stream.h"

namespace gatehouse::http {

bool H2ServerStream::head_complete(bool ended) {
  final_head_ = true;
  refusal_ = block_.read_request(ended, head_);
  expects_continue_ = head_.expect_continue && !ended;
  return true;  // what is wrong with it gets an answer
}

Io H2ServerStream::sent(Io io) {
  if (io == Io::failed) {
    error_ = {Reason::client_closed, Source::downstream, RetrySafety::no, 0, "the client reset the stream"};
  }
  return io;
}

Io H2ServerStream::read_body(BodyPiece& piece) {
  const Io io = take_body(piece);
  if (io == Io::failed && violated()) {
    error_ = {Reason::bad_request, Source::downstream, RetrySafety::no, 0, "the request broke HTTP/2's rules"};
    return io;
  }
  body_in_ += piece.data.size();
  if (!piece.data.empty()) expects_continue_ = false;
  return sent(io);
}

Io H2ServerStream::write_informational(const ResponseHead& head) {
  if (closed()) return sent(Io::failed);
  if (head.status == 101) return Io::done;  // HTTP/2 has no such thing
  if (head.status == 100) expects_continue_ = false;
  session_.submit_interim(*this, head);
  return sent(session_.push(*this));
}

Io H2ServerStream::write_head(const ResponseHead& head, std::string_view first, bool last, bool head_only) {
  if (closed()) return sent(Io::failed);
  responded_ = true;
  head_only_ = head_only;
  const bool has_body = !head_only && !(last && first.empty());
  session_.submit_response(*this, head, has_body);
  if (!has_body) return sent(session_.push(*this));
  body_out_ += first.size();
  return sent(put_body(first, last));
}

Io H2ServerStream::write_upgrade(const ResponseHead& head, std::string_view) {
  ResponseHead answer = head;
  answer.status = 200;  // RFC 8441 section 5: HTTP/2 has no 101, and no key to accept
  answer.framing = {};
  answer.fields.remove("Sec-WebSocket-Accept");
  return write_head(answer, {}, false, false);
}

Io H2ServerStream::write_body(std::string_view data, bool last) {
  if (head_only_) return Io::done;
  body_out_ += data.size();
  return sent(put_body(data, last));
}

Io H2ServerStream::finish(const Fields& trailers) {
  if (head_only_) return Io::done;
  return sent(put_end(trailers));
}

void H2ServerStream::finish_exchange() {
  drop_body();
  exchange_over_ = true;
  dismiss();
  if (closed() || answered()) return;
  give_up(responded_ ? H2Error::internal_error : H2Error::cancel);
}

}  // namespace gatehouse::http
