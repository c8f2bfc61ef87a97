#pragma once
#include <utility>

#include "http/h2_stream.h"

namespace gatehouse::http {

/// One request to an HTTP/2 service and its response. It exists from the request's start; HTTP/2 knows it from
/// write_head() on.
class H2ClientStream : public H2Stream, public ClientStream {
 public:
  /// `scheme`: "http" or "https". `reused`: the connection has carried a request before.
  H2ClientStream(H2Session& session, Arena& arena, Method method, std::string_view scheme, bool reused)
      : H2Stream(session, arena, kUpstreamHeadLimits), method_(method), scheme_(scheme), reused_(reused) {}

  /// The exchange has ended: what is not complete is reset, and what comes is dropped. The arena may go.
  void finish_exchange();
  /// HTTP/2 never heard of it, or has done with it: it may be destroyed.
  bool detached() const { return id() < 0 || closed(); }
  /// The connection has failed; the stream will hear no more of HTTP/2.
  void fail_connection(int sys);

  Io write_head(const RequestHead& head, std::string_view target, std::string_view first, bool last) override;
  Io write_body(std::string_view data, bool last) override { return sent(put_body(data, last)); }
  Io finish(const Fields& trailers) override { return sent(put_end(trailers)); }
  Io flush() override { return sent(flush_body()); }
  Io takes_upgrade() override;
  void fell_silent() override { silent_ = true; }
  bool silent() const { return silent_; }
  Io read_head(ResponseHead& head) override;
  Io read_body(BodyPiece& piece) override;
  const Fields& trailers() const override { return incoming_trailers_; }
  Signal& readable() override { return readable_; }
  Signal& writable() override { return writable_; }
  const Error& error() const override { return error_; }
  void reset() override { give_up(H2Error::cancel); }
  bool reused() const override { return reused_; }
  bool wrote_anything() const override { return id() >= 0; }

 private:
  /// A head that has come and nobody has read.
  struct Waiting {
    ResponseHead head;
    Error error;
    Waiting* next;
  };
  Fields& head_fields() override;
  bool head_complete(bool ended) override;
  Io sent(Io io);
  Io failed();

  void become_switch(ResponseHead& head);

  const Method method_;
  const std::string_view scheme_;
  const bool reused_;
  Waiting* first_ = nullptr;
  Waiting* last_waiting_ = nullptr;
  Waiting* coming_ = nullptr;
  std::string_view protocol_;  ///< what the request asks to change to; "" for nothing
  std::string_view key_;       ///< of a WebSocket's handshake
  bool silent_ = false;
  bool connection_lost_ = false;
  unsigned heads_ = 0;
  int sys_ = 0;
  Error error_;
};

}  // namespace gatehouse::http
