#pragma once
#include <string_view>

#include "http/h1_parser.h"
#include "http/head.h"

namespace gatehouse::http {

/// One header block of HTTP/2 while it comes, field by field (RFC 9113 section 8.2), and what it means. It keeps no
/// more than the limits allow: of a block that is larger the rest is counted and dropped, and the message is refused.
class H2Block {
 public:
  H2Block(Arena& arena, const HeadLimits& limits) : arena_(arena), limits_(limits) {}

  /// Begins another block, whose fields go to `fields`.
  void begin(Fields& fields);
  /// The next field. nghttp2 has seen to its form: a name in lower case, no control characters, pseudo-fields first,
  /// known and once each, nothing of a connection's.
  void add(std::string_view name, std::string_view value);
  /// Trailer fields that must not come behind a message are dropped.
  void add_trailer(std::string_view name, std::string_view value);

  /// The block as a request. `ended`: no body follows. An error whose reason is `none` says that all is well.
  Error read_request(bool ended, RequestHead& head);
  /// The block as a response to `method`.
  Error read_response(bool ended, Method method, ResponseHead& head);
  /// The three digits of :status; 0 if there is none.
  int status() const;
  bool too_large() const { return too_large_; }

 private:
  bool count(std::string_view name, std::string_view value);
  void add_pseudo(std::string_view name, std::string_view value);
  const char* read_target(RequestHead& head) const;
  const char* read_authority(RequestHead& head);
  const char* read_length(Framing& framing, bool ended) const;
  void join_cookies();

  Arena& arena_;
  const HeadLimits& limits_;
  Fields* fields_ = nullptr;
  std::string_view method_, scheme_, authority_, path_, protocol_, status_;
  std::size_t bytes_ = 0;
  unsigned lengths_ = 0;
  unsigned cookies_ = 0;
  bool too_large_ = false;
};

}  // namespace gatehouse::http
