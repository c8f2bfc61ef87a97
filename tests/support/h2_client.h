#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/raw_client.h"

namespace gatehouse::test {

/// What came on one stream.
struct H2Answer {
  Response response;       ///< `complete` once END_STREAM came
  bool reset = false;      ///< RST_STREAM came (or HTTP/2 closed the stream with an error)
  std::uint32_t code = 0;  ///< its error
};

using H2Fields = std::vector<std::pair<std::string, std::string>>;

/// A well-behaved HTTP/2 client (nghttp2) over a connection that someone else opened, plain or through TLS. Whatever it
/// waits for, it reads and answers on all of its streams. One thread.
class H2Client {
 public:
  struct Options {
    std::uint32_t window = 1024 * 1024;  ///< of a stream and of the connection
    bool auto_window = true;             ///< false: windows are opened by open_window() only
  };
  explicit H2Client(RawClient& connection, const Options& options);
  explicit H2Client(RawClient& connection) : H2Client(connection, Options{}) {}
  ~H2Client();

  /// Starts a request; `more` fields besides the pseudo-fields. With `open` the body does not end yet: send() it.
  std::int32_t request(std::string_view method, std::string_view path, const H2Fields& more = {},
                       std::string_view body = "", bool open = false);
  /// A request of exactly these fields.
  std::int32_t request_of(const H2Fields& fields, bool open = false);
  /// More of the body of a stream that is open; it goes out while the client waits for something.
  void send(std::int32_t stream, std::string_view body, bool last, const H2Fields& trailers = {});
  void reset(std::int32_t stream, std::uint32_t code);
  void open_window(std::int32_t stream, std::uint32_t bytes);
  void ping();

  /// Waits until the stream has ended in one way or the other.
  H2Answer& wait(std::int32_t stream, const Deadline& deadline = Deadline());
  /// Waits until `size` bytes of the stream's body have come, or its end.
  H2Answer& wait_body(std::int32_t stream, std::size_t size, const Deadline& deadline = Deadline());
  /// Waits for the head of the final answer.
  H2Answer& wait_head(std::int32_t stream, const Deadline& deadline = Deadline());
  /// Reads for so long, whatever comes.
  void read_for(Millis time);
  /// Waits for the end of the connection.
  End wait_end(const Deadline& deadline = Deadline());
  /// One request and its answer.
  Response get(std::string_view path, const H2Fields& more = {}) { return wait(request("GET", path, more)).response; }

  /// The last GOAWAY that came: its error, -1 for none.
  std::int64_t goaway() const { return goaway_; }
  std::int32_t goaway_last_stream() const { return goaway_last_; }
  std::uint32_t max_streams() const { return max_streams_; }
  std::size_t pongs() const { return pongs_; }
  bool alive() const { return end_ == End::open; }

 private:
  struct Callbacks;
  struct Stream {
    H2Answer answer;
    std::string body;  ///< to be sent
    std::size_t sent = 0;
    bool last = true;
    H2Fields trailers;
    bool over = false, headed = false, in_trailers = false;
  };
  bool step(const Deadline& deadline);
  void flush();

  RawClient& connection_;
  void* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::int64_t goaway_ = -1;
  std::int32_t goaway_last_ = -1;
  std::uint32_t max_streams_ = 0;
  std::size_t pongs_ = 0;
  std::string out_;
  End end_ = End::open;
};

/// Frames by hand, for what no client does. RFC 9113 section 4.1.
inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum class H2Frame : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation,
};
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8;
std::string h2_frame(H2Frame type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = "");
/// Fields without any compression (RFC 7541 section 6.2.2).
std::string h2_fields(const H2Fields& fields);
/// The pseudo-fields of a request in front of `more`.
H2Fields h2_request(std::string_view method, std::string_view path, const H2Fields& more = {});
/// Four bytes, the highest first.
std::string h2_number(std::uint32_t number);

}  // namespace gatehouse::test
