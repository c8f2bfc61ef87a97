#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/block_pool.h"
#include "base/clock.h"
#include "http/h1_parser.h"
#include "http/h2_frame_scanner.h"
#include "http/stream.h"

struct nghttp2_session;

namespace gatehouse::http {

class H2Stream;

/// What one end of an HTTP/2 connection allows the other.
struct H2Settings {
  HeadLimits head;
  std::uint32_t max_streams = 128;               ///< at a time
  std::uint32_t stream_window = 128 * 1024;      ///< bytes of a body that nobody has read yet
  std::uint32_t connection_window = 512 * 1024;  ///< the same for all streams together, twice
  std::uint32_t cheap_frames = 1000;             ///< frames that ask for work and bring none, at once …
  std::uint32_t cheap_frames_per_second = 100;   ///< … and for as long as the connection lives
};

/// RFC 9113 section 7, as far as the gateway says them itself.
enum class H2Error : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  refused_stream = 7,
  cancel = 8,
  enhance_your_calm = 11,
};

/// Who owns a session: the connection. Called from inside of the session's functions, so nothing here may use it.
class H2Owner {
 public:
  virtual ~H2Owner() = default;
  /// Server: the client opens a stream. Null refuses it (REFUSED_STREAM).
  virtual H2Stream* open_stream() = 0;
  /// Server: a request's head is there whole.
  virtual void head_complete(H2Stream& stream) = 0;
  /// The stream is no longer HTTP/2's; nothing refers to it any more.
  virtual void stream_closed(H2Stream& stream) = 0;
  /// The peer broke the protocol, or this end gave up the connection for it: GOAWAY goes out with `error`.
  virtual void giving_up(std::uint32_t error) = 0;
};

/// Where a session's bytes go.
class H2Output {
 public:
  virtual ~H2Output() = default;
  /// There is something to write: in this turn of the loop, once for all who say so.
  virtual void write_soon() = 0;
  /// Writes what output() has; false if the socket takes no more for now.
  virtual bool write_now() = 0;
};

/// One connection's HTTP/2 (RFC 9113) over nghttp2, as server or client; without sockets. Bytes go in by receive(),
/// frames come out by output(). Streams are the owner's; they read and write through the session. One thread.
///
/// Flow control: the connection's window is given back when bytes come, the stream's when they are read, so that a
/// stream that nobody reads does not hold up the others. Towards a client the connection's waits as well above
/// `connection_window` of unread bytes; a service's connection serves clients that have nothing to do with each other,
/// and what lies unread is bounded by its streams' windows.
class H2Session {
 public:
  enum class Role : std::uint8_t { server, client };

  H2Session(Role role, const H2Settings& settings, H2Owner& owner, H2Output& output);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  /// Takes in what has come. False: this is no HTTP/2; write what there is to write and close.
  bool receive(std::string_view bytes, TimePoint now);
  /// Takes frames into the output as far as it has room.
  void fill();
  std::string_view output() const { return {out_.data() + out_begin_, out_end_ - out_begin_}; }
  void written(std::size_t bytes);
  /// The output has no room for what else there is.
  bool output_full() const { return full_; }

  /// Client: how many streams the service takes at a time; none after its GOAWAY.
  std::uint32_t streams_allowed() const;

  /// The peer has been told to go, or has gone, and no stream is left: close when the output is empty.
  bool over() const;
  /// Client: the service takes CONNECT for other protocols (RFC 8441 section 3).
  bool takes_protocols() const;
  /// The peer's preface and settings have come.
  bool greeted() const { return greeted_; }
  /// A header block has begun and not ended.
  bool in_header_block() const { return scanner_.in_header_block(); }

  /// GOAWAY in two steps (RFC 9113 section 6.8): announce, and a moment later draw the line.
  void announce_end();
  void end_with_streams();
  /// GOAWAY has been announced.
  bool ending() const { return ending_; }
  /// GOAWAY and nothing more.
  void terminate(H2Error error);

  const H2Settings& settings() const { return settings_; }

 private:
  friend class H2Stream;
  friend class H2ServerStream;
  friend class H2ClientStream;
  friend struct H2Callbacks;

  bool afford_cheap_frame();
  /// A frame with so many bytes of a body, or a head, went out: the peer may answer it by two that do nothing, and may
  /// open its windows anew for every few hundred bytes.
  void earn(std::size_t bytes) {
    cheap_ = std::min(cheap_ + 2, double(settings_.cheap_frames));
    updates_ = std::min(updates_ + 2 + static_cast<double>(bytes) / 256, kMostUpdates);
  }
  bool take_rest();
  std::size_t room() const { return out_.size() - out_end_; }
  void make_room();

  // For streams.
  bool submit_request(H2Stream& stream, const RequestHead& head, std::string_view target, std::string_view scheme,
                      bool has_body);
  void submit_response(H2Stream& stream, const ResponseHead& head, bool has_body);
  void submit_interim(H2Stream& stream, const ResponseHead& head);
  void submit_trailers(H2Stream& stream);
  void resume(H2Stream& stream);
  Io push(H2Stream& stream);
  void consumed(H2Stream& stream, std::size_t bytes);
  void reset(H2Stream& stream, H2Error error);
  void forget(H2Stream& stream, std::size_t unread);
  void credit(std::size_t bytes);

  static constexpr double kMostUpdates = 100'000;

  const H2Settings settings_;
  H2FrameScanner scanner_;
  H2Owner& owner_;
  H2Output& to_;
  nghttp2_session* session_ = nullptr;
  const Role role_;
  bool greeted_ = false;
  bool full_ = false;
  bool failed_ = false;
  bool ending_ = false;
  std::int32_t last_id_ = -1;                       ///< of a stream that the client opened
  std::int32_t skipped_from_ = 0, skipped_to_ = 0;  ///< ids in between it passed over
  H2Error fault_ = H2Error::enhance_your_calm;      ///< why a callback ended the connection
  TimePoint now_{};                                 ///< of the last receive()
  TimePoint cheap_since_{};                         ///< up to when the budget below is right
  double cheap_ = 0;                                ///< how many frames may still come that bring nothing
  double updates_ = 0;                              ///< how many WINDOW_UPDATE are owed to what was sent
  std::size_t unread_ = 0;                          ///< body bytes of all streams that nobody has read
  std::size_t owed_ = 0;                            ///< of the connection's window, to be given back when they are read

  PooledBuffer out_;
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
  std::string_view rest_;  ///< nghttp2's, which found no room; valid until its next call
};

}  // namespace gatehouse::http
