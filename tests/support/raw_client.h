#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "support/http_message.h"
#include "support/socket.h"

namespace gatehouse::test {

/// A client that sends exactly the bytes it is given and says how the connection ended. One thread.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const ConnectOptions& options = {}) : fd_(connect_tcp(port, options)) {}
  explicit RawClient(Fd connected) : fd_(std::move(connected)) {}

  bool connected() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }

  /// False if the peer went away or did not take all of it in time.
  bool send(std::string_view bytes, const Deadline& deadline = Deadline());
  /// Sends `total` bytes of pattern() in pieces; gives how many went out.
  std::uint64_t send_pattern(std::uint64_t total, const Deadline& deadline, std::uint64_t offset = 0);
  void half_close();
  void reset() { reset_connection(fd_); }
  void close() { fd_.close(); }

  /// The next response, with the 1xx before it. What follows it stays buffered.
  Response read_response(bool to_head_request = false, const Deadline& deadline = Deadline());
  /// Only the head of the next final or interim answer; its body is left for read_body.
  Response read_head(const Deadline& deadline = Deadline());
  /// Reads the body of `response`, whose head read_head gave, and throws the bytes away: only length and sum are kept.
  struct BodySum {
    std::uint64_t length = 0, sum = kSumStart;
    bool complete = false;
    End end = End::open;
  };
  BodySum read_body_sum(const Response& head, const Deadline& deadline = Deadline());
  /// At least `count` bytes in the buffer, else what came; takes `count` out of it.
  std::string read_exactly(std::size_t count, const Deadline& deadline = Deadline());
  /// Everything up to the end of the connection.
  std::string read_until_end(const Deadline& deadline = Deadline());
  /// Reads until the peer ends the connection, keeping what came in buffered(); `timeout` if it does not.
  End wait_end(const Deadline& deadline = Deadline());
  /// Waits until `text` is among the bytes not yet taken.
  bool wait_for(std::string_view text, const Deadline& deadline = Deadline());
  /// Nothing has come and the connection is open, seen now without waiting.
  bool silent();
  const std::string& buffered() const { return buffer_; }
  End end() const { return end_; }

 private:
  bool more(const Deadline& deadline);
  void take(std::size_t count) { buffer_.erase(0, count); }

  Fd fd_;
  std::string buffer_;
  End end_ = End::open;
};

/// "GET /x HTTP/1.1\r\nHost: test\r\n…\r\n"; `fields` are lines ended by \r\n.
std::string request(std::string_view method, std::string_view target, std::string_view fields = "",
                    std::string_view body = "", std::string_view host = "test");
/// One exchange over a connection of its own.
Response ask(std::uint16_t port, std::string_view bytes, bool to_head_request = false,
             const Deadline& deadline = Deadline());
Response get(std::uint16_t port, std::string_view target, std::string_view fields = "");

}  // namespace gatehouse::test
