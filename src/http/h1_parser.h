#pragma once
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "http/head.h"

namespace gatehouse::http {

/// Bounds for one head. Sizes in bytes; the request line is counted apart from the fields.
struct HeadLimits {
  std::uint32_t start_line = 8 * 1024;
  std::uint32_t fields_bytes = 32 * 1024;
  std::uint32_t fields_count = 100;
};
/// What a service may send.
inline constexpr HeadLimits kUpstreamHeadLimits{.start_line = 8 * 1024, .fields_bytes = 64 * 1024, .fields_count = 200};

enum class Parse : std::uint8_t { incomplete, complete, failed };

/// Parses an HTTP/1.x head in place (RFC 9112), strictly: a head that two implementations could read differently is
/// refused. No I/O, no allocation but the fields' (in the arena).
///
/// Call parse() with all bytes received so far, from the head's first byte on; after `incomplete`, again with more (the
/// buffer may have moved, the head is filled anew; a drip of single bytes costs linear time, since nothing is parsed
/// again until another line has ended). Empty lines before a request line (CRLF, at most 2) are skipped and counted in
/// size().
///
/// Errors: bad_request; uri_too_long when the request line exceeds its limit; head_too_large when the fields do.
/// ResponseParser's errors are upstream_protocol. Error::detail says what was wrong.
class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits) : limits_(limits) {}
  Parse parse(std::string_view bytes, RequestHead& head);
  /// Bytes that the complete head took.
  std::size_t size() const { return size_; }
  const Error& error() const { return error_; }
  void reset() {
    size_ = 0;
    seen_ = 0;
    check_at_ = 0;
  }

 private:
  HeadLimits limits_;
  std::size_t size_ = 0;
  std::size_t seen_ = 0;      ///< bytes in which no further line end was found
  std::size_t check_at_ = 0;  ///< beyond so many bytes a limit is passed even if no line ends
  Error error_;
};

class ResponseParser {
 public:
  explicit ResponseParser(const HeadLimits& limits) : limits_(limits) {}
  /// `request` decides the framing: a response to HEAD, and 1xx, 204, 304 have no body (Content-Length is kept as a
  /// field); a 2xx to CONNECT is a tunnel.
  Parse parse(std::string_view bytes, Method request, ResponseHead& head);
  std::size_t size() const { return size_; }
  const Error& error() const { return error_; }
  void reset() {
    size_ = 0;
    seen_ = 0;
    check_at_ = 0;
  }

 private:
  HeadLimits limits_;
  std::size_t size_ = 0;
  std::size_t seen_ = 0;
  std::size_t check_at_ = 0;
  Error error_;
};

}  // namespace gatehouse::http
