#include "http/h2_stream.h"

namespace gatehouse::http {

H2Stream::~H2Stream() {
  session_.forget(*this, received_.size());
}

Io H2Stream::take_body(BodyPiece& piece) {
  if (lent_ != 0) {
    received_.pop(lent_);
    session_.consumed(*this, lent_);
    lent_ = 0;
  }
  piece = {};
  if (received_.empty()) {
    piece.last = ended_;
    if (ended_) return Io::done;
    return closed_ || given_up_ ? Io::failed : Io::blocked;
  }
  piece.data = received_.front();
  lent_ = piece.data.size();
  piece.last = ended_ && lent_ == received_.size();
  return Io::done;
}

void H2Stream::drop_body() {
  session_.consumed(*this, received_.size());
  received_.clear();
  lent_ = 0;
}

Io H2Stream::put_body(std::string_view data, bool last) {
  if (closed_ || given_up_) return Io::failed;
  pending_ = data;
  last_ = last;
  session_.resume(*this);
  return session_.push(*this);
}

Io H2Stream::put_end(const Fields& trailers) {
  for (const Field& field : trailers) {
    if (!field.removed) trailers_ = &trailers;
  }
  // Of a request the head must have left: nghttp2 has asked for a body then.
  const bool headed = waiting_ || session_.role_ == H2Session::Role::server;
  if (trailers_ == nullptr || !headed || !pending_.empty() || closed_ || given_up_) return put_body({}, true);
  last_ = true;
  session_.submit_trailers(*this);  // at once: no window holds back a HEADERS frame
  return session_.push(*this);
}

void H2Stream::dismiss() {
  if (exchange_over_ && end_written_ && !ended_ && !closed_) session_.reset(*this, H2Error::no_error);
}

void H2Stream::give_up(H2Error error) {
  pending_ = {};
  given_up_ = true;
  if (!closed_) session_.reset(*this, error);
}

}  // namespace gatehouse::http
