#pragma once
#include <cstdint>
#include <string_view>

#include "base/scheduler.h"
#include "http/head.h"

namespace gatehouse::http {

/// The seam between the exchange driver and the protocols. Both sides are written in one manner: an operation is tried;
/// where it says `blocked`, wait for the stream's signal (with whatever deadline and scope you have) and try again.
/// Operations never wait themselves, so a stream costs no coroutine frame, and a test can drive one by hand.
enum class Io : std::uint8_t {
  done,
  blocked,  ///< wait for readable() or writable(), whichever direction was tried, then try again (writes: flush())
  failed,   ///< see error(); the direction is dead
};

/// A part of a body.
struct BodyPiece {
  std::string_view data;  ///< valid until the next read on the stream; may be empty
  bool last = false;      ///< the body is complete; trailers() is filled
};

/// What both kinds of stream have in common. Owner: the session or pool that made it; one thread.
class Stream {
 public:
  virtual ~Stream() = default;

  /// The next part of the incoming body: `done` with some bytes, or with `last`.
  virtual Io read_body(BodyPiece& piece) = 0;
  /// Trailer fields of the incoming body, empty until `last`.
  virtual const Fields& trailers() const = 0;
  virtual Signal& readable() = 0;

  /// Sends a part of the body. All of it is taken: `blocked` means that some is still queued, by reference: `data` must
  /// stay until flush() says done. Nothing may be written meanwhile.
  virtual Io write_body(std::string_view data, bool last) = 0;
  /// Ends the body with trailer fields, which are dropped where the protocol or the peer cannot take them.
  virtual Io finish(const Fields& trailers) = 0;
  /// Goes on with what is queued.
  virtual Io flush() = 0;
  virtual Signal& writable() = 0;

  /// The error behind the last `failed`.
  virtual const Error& error() const = 0;
  /// Gives the exchange up at once, so that the peer cannot take what it got for the whole.
  virtual void reset() = 0;
};

/// The gateway as server: a request comes in, a response goes out.
class ServerStream : public Stream {
 public:
  /// Sends a 1xx response.
  virtual Io write_informational(const ResponseHead& head) = 0;
  /// Sends the head and the first bytes of the body (may be empty) in one write. head.framing says how long the body is
  /// (none, length; else chunked or until close, as the client's version allows). `head_only`: the framing describes a
  /// body that is not sent (HEAD, 304). Connection, Content-Length and Transfer-Encoding are the stream's own to write.
  virtual Io write_head(const ResponseHead& head, std::string_view first, bool last, bool head_only) = 0;
  /// Says that the protocol changes to `protocol` (RFC 9110 section 7.8; RFC 8441 in HTTP/2). From here on the bodies
  /// of both directions are that protocol's bytes; `last` ends a direction.
  virtual Io write_upgrade(const ResponseHead& head, std::string_view protocol) = 0;
  /// The connection is to end soon: a drain. readable() is notified when this becomes true.
  virtual bool closing() const = 0;
  /// The client said Expect: 100-continue and nothing was answered to it yet.
  virtual bool expects_continue() const = 0;
  /// The request's body has been read to its end.
  virtual bool request_complete() const = 0;
  /// Reads and drops what is left of the request's body as far as it is at hand, so that the connection can go on; if
  /// it is not all there, the connection closes after the response. For a response that does not wait for the body.
  virtual void settle_request() = 0;
  /// After this response the connection ends, where the protocol carries one exchange at a time.
  virtual void close_after() = 0;
  /// Whether any of a final response went to the client.
  virtual bool responded() const = 0;
  /// Body bytes read from and written to the client in this exchange.
  virtual std::uint64_t body_in() const = 0;
  virtual std::uint64_t body_out() const = 0;
};

/// The gateway as client: a request goes out, a response comes in.
class ClientStream : public Stream {
 public:
  /// Sends the head and the first bytes of the body in one write; `target` stands in for the head's own.
  virtual Io write_head(const RequestHead& head, std::string_view target, std::string_view first, bool last) = 0;
  /// Whether a request for another protocol can be sent. HTTP/2 services say so by themselves: blocked until they have,
  /// then readable() is signalled; failed where they take none.
  virtual Io takes_upgrade() { return Io::done; }
  /// The next response head, 1xx ones too; 101 only where the request's head asked for an upgrade, and the bodies of
  /// both directions are the other protocol's bytes then; `head` is filled anew each time. Views live as long as the
  /// stream.
  virtual Io read_head(ResponseHead& head) = 0;
  /// The service did not answer in time: its connection may be dead where no one could tell.
  virtual void fell_silent() {}
  /// The connection has carried a request before this one: it may be stale.
  virtual bool reused() const = 0;
  /// Whether any byte of the request has been handed to the kernel.
  virtual bool wrote_anything() const = 0;
};

}  // namespace gatehouse::http
