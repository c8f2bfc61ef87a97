#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/socket.h"

namespace gatehouse::test {

/// A reader of HTTP/1.x messages for tests, written apart from the gateway's own so that one mistake does not hide the
/// other. It is strict about framing and takes everything else as it comes.

/// Fields in the order and spelling in which they came.
class Fields {
 public:
  void add(std::string key, std::string value) { items_.emplace_back(std::move(key), std::move(value)); }
  bool has(std::string_view key) const { return count(key) > 0; }
  std::size_t count(std::string_view key) const;
  /// The first value, "" if there is none.
  std::string get(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);
/// Is `token` one of the comma-separated words of any value of `key`?
bool has_token(const Fields& fields, std::string_view key, std::string_view token);
std::string_view trim(std::string_view text);

struct RequestHead {
  std::string method, target, version;  ///< "GET", "/x?y", "HTTP/1.1"
  Fields fields;
};

struct Response {
  std::string version;
  int status = 0;  ///< 0: no head was read
  std::string reason;
  Fields fields;
  std::string body;
  Fields trailers;
  bool complete = false;          ///< the body ended as its framing says
  End end = End::open;            ///< how the connection stood when reading stopped
  std::string problem;            ///< what was wrong with the bytes, "" if nothing
  std::vector<Response> interim;  ///< 1xx answers that came before
  std::string raw_head;

  std::string header(std::string_view key) const { return fields.get(key); }
  /// Everything, for the message of a failed test.
  std::string describe() const;
};

/// Length of the head with its empty line at the start of `bytes`, or npos if it is not whole yet.
std::size_t head_length(std::string_view bytes);
/// Parse a whole head. False if it is none.
bool parse_request_head(std::string_view bytes, RequestHead& into);
bool parse_response_head(std::string_view bytes, Response& into);

/// Takes a body apart as it comes.
class BodyDecoder {
 public:
  enum class Framing : std::uint8_t { none, length, chunked, until_close };
  BodyDecoder(Framing framing, std::uint64_t length = 0);
  /// The framing of a request's or a response's body (RFC 9112, 6.3).
  static BodyDecoder for_request(const Fields& fields);
  static BodyDecoder for_response(const Response& response, bool to_head_request);

  /// Appends body bytes to `out`; gives how much of `in` was used. Stops at the end of the message.
  std::size_t decode(std::string_view in, std::string& out);
  bool done() const { return done_; }
  bool bad() const { return bad_; }
  Framing framing() const { return framing_; }
  const Fields& trailers() const { return trailers_; }

 private:
  std::size_t decode_chunked(std::string_view in, std::string& out);
  bool take_line();

  enum class State : std::uint8_t { size, data, data_end, trailers };
  Framing framing_;
  std::uint64_t left_;
  State state_ = State::size;
  bool done_ = false, bad_ = false;
  std::string line_;
  Fields trailers_;
};

/// FNV-1a over 64 bits; start with kSumStart and feed pieces in order.
inline constexpr std::uint64_t kSumStart = 14695981039346656037ULL;
std::uint64_t checksum(std::string_view bytes, std::uint64_t sum = kSumStart);
std::string hex(std::uint64_t value);

/// `size` bytes at `offset` of an endless pattern that no shift of a power of two maps onto itself.
std::string pattern(std::size_t size, std::uint64_t offset = 0);
/// One chunk of a chunked body; "" makes nothing.
std::string chunk(std::string_view data);

}  // namespace gatehouse::test
