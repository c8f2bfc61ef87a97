#pragma once
#include "http/body_queue.h"
#include "http/h2_block.h"
#include "http/h2_session.h"

namespace gatehouse::http {

/// What both ends of an HTTP/2 stream do alike: a body comes in through a queue that its window bounds, another goes
/// out by reference as far as the peer's window lets it. The two kinds (H2ServerStream, H2ClientStream) add the heads.
/// Owner: the connection, which keeps it until both HTTP/2 and the exchange have done with it. One thread.
class H2Stream {
 public:
  /// `arena` holds what comes and goes of heads, and outlives the stream.
  H2Stream(H2Session& session, Arena& arena, const HeadLimits& limits)
      : session_(session), arena_(arena), block_(arena, limits), incoming_trailers_(arena) {}
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;
  virtual ~H2Stream();

  /// HTTP/2 has done with it.
  bool closed() const { return closed_; }
  /// HTTP/2 has done with it before our side was complete.
  bool cut() const { return cut_; }
  /// The end of our side is on its way.
  bool end_sent() const { return end_sent_; }
  /// The peer broke the rules on this stream.
  bool violated() const { return violated_; }
  std::int32_t id() const { return id_; }

 protected:
  friend class H2Session;
  friend struct H2Callbacks;

  /// Where the fields of a head that begins now go.
  virtual Fields& head_fields() = 0;
  /// A header block of the message is complete; sets final_head_ if it was no 1xx. False: it makes no sense (a protocol
  /// error of the stream's).
  virtual bool head_complete(bool ended) = 0;

  /// As Stream::read_body; `failed` where the stream was reset.
  Io take_body(BodyPiece& piece);
  Io put_body(std::string_view data, bool last);
  Io put_end(const Fields& trailers);
  /// Done once nothing waits: neither bytes nor, behind the last, the end.
  Io flush_body() const {
    if (cut_ || given_up_) return Io::failed;
    return pending_.empty() && (!last_ || end_sent_) ? Io::done : Io::blocked;
  }
  /// Nothing more of the exchange is to come or go.
  void give_up(H2Error error);
  /// Server: the answer is complete, the exchange over, and whatever else the client would send nobody reads: it is
  /// told so (RFC 9113 section 8.1). Does nothing before.
  void dismiss();
  /// Drops what has come of the body.
  void drop_body();
  bool body_over() const { return ended_ && received_.empty(); }

  H2Session& session_;
  Arena& arena_;
  Signal readable_;
  Signal writable_;
  H2Block block_;
  Fields incoming_trailers_;
  BodyQueue received_;
  std::size_t lent_ = 0;              ///< bytes of the queue that the reader looks at
  std::string_view pending_;          ///< to be sent
  const Fields* trailers_ = nullptr;  ///< to be sent behind it
  std::int32_t id_ = -1;
  std::uint32_t reset_code_ = 0;
  bool final_head_ = false;  ///< the message's own head (not a 1xx) has come
  bool ended_ = false;       ///< the peer's END_STREAM has come
  bool last_ = false;        ///< what is pending is the end
  bool waiting_ = false;     ///< nghttp2 waits for more to send
  bool end_sent_ = false;
  bool end_written_ = false;  ///< END_STREAM has left
  bool exchange_over_ = false;
  bool closed_ = false;
  bool cut_ = false;  ///< closed before our side was complete
  bool given_up_ = false;
  bool violated_ = false;
};

}  // namespace gatehouse::http
