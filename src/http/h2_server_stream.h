#pragma once
#include "http/h2_stream.h"

namespace gatehouse::http {

/// One request of an HTTP/2 client and its response (RFC 9113 section 8.1).
class H2ServerStream : public H2Stream, public ServerStream {
 public:
  /// `head` is filled when the client's has come.
  H2ServerStream(H2Session& session, Arena& arena, RequestHead& head)
      : H2Stream(session, arena, session.settings().head), head_(head) {}

  /// Why the request cannot be served; `none` if it can.
  const Error& refusal() const { return refusal_; }
  /// The response is complete, or on its way.
  bool answered() const { return end_sent(); }
  /// The exchange has ended: what is not complete is reset.
  void finish_exchange();

  Io read_body(BodyPiece& piece) override;
  const Fields& trailers() const override { return incoming_trailers_; }
  Signal& readable() override { return readable_; }
  Io write_informational(const ResponseHead& head) override;
  Io write_head(const ResponseHead& head, std::string_view first, bool last, bool head_only) override;
  Io write_body(std::string_view data, bool last) override;
  Io write_upgrade(const ResponseHead& head, std::string_view protocol) override;
  bool closing() const override { return session_.ending(); }
  Io finish(const Fields& trailers) override;
  Io flush() override { return sent(flush_body()); }
  Signal& writable() override { return writable_; }
  const Error& error() const override { return error_; }
  void reset() override { give_up(H2Error::internal_error); }
  bool expects_continue() const override { return expects_continue_; }
  bool request_complete() const override { return body_over(); }
  /// What is left of the request is dropped; the stream's end tells the client.
  void settle_request() override { drop_body(); }
  void close_after() override {}
  bool responded() const override { return responded_; }
  std::uint64_t body_in() const override { return body_in_; }
  std::uint64_t body_out() const override { return body_out_; }

 private:
  Fields& head_fields() override { return head_.fields; }
  bool head_complete(bool ended) override;
  Io sent(Io io);

  RequestHead& head_;
  Error refusal_{.reason = Reason::none};
  Error error_;
  std::uint64_t body_in_ = 0;
  std::uint64_t body_out_ = 0;
  bool expects_continue_ = false;
  bool responded_ = false;
  bool head_only_ = false;
};

}  // namespace gatehouse::http
