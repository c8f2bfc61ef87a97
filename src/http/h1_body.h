#pragma once
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "http/head.h"

namespace gatehouse::http {

/// Takes the framing off an HTTP/1.1 body. No I/O. One per message.
class BodyDecoder {
 public:
  struct Step {
    std::string_view data;     ///< body bytes, at the start of what was passed in (chunks are moved together there)
    std::size_t consumed = 0;  ///< bytes used up, framing included; the rest belongs to the next message
    bool last = false;         ///< the body is complete, trailers parsed
    bool failed = false;       ///< bad framing: close the connection, forward nothing more
  };

  /// `trailers` receives the trailer fields of a chunked body (views copied to its arena); null drops them after
  /// checking.
  void start(const Framing& framing, Fields* trailers);

  /// Decodes as much as it can from [data, data + size), in place. For length and until_close bodies the bytes are not
  /// touched. Chunk extensions are dropped (at most 256 bytes a chunk). Everything is consumed unless `last`: an
  /// incomplete chunk or trailer line is kept in the decoder, and its bytes must not be passed again.
  Step decode(char* data, std::size_t size);

  /// The connection has ended: completes an until_close body, is an error for the others unless they were complete.
  bool finish();

  bool complete() const { return state_ == State::done; }
  /// Bytes of a length body that are still to come; 0 where nobody has said.
  std::uint64_t remaining() const { return state_ == State::length ? remaining_ : 0; }
  const char* error() const { return error_; }

  static constexpr std::size_t kMaxTrailerBytes = 8 * 1024;
  static constexpr std::uint32_t kMaxTrailers = 32;

 private:
  enum class State : std::uint8_t {
    length,
    until_close,
    chunk_size,
    chunk_extension,
    chunk_size_lf,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    trailers,
    done,
    failed,
  };
  Step fail(const char* why);
  Step decode_chunked(char* data, std::size_t size);
  const char* take_framing(char c);  ///< null, or what is wrong
  bool take_trailers(const char*& at, const char* end);
  bool parse_trailers();

  State state_ = State::done;
  std::uint64_t remaining_ = 0;
  std::uint16_t line_bytes_ = 0;  ///< digits of a chunk size, then bytes of its extension
  bool any_digit_ = false;
  Fields* trailers_ = nullptr;
  const char* error_ = "";
  char* trailer_block_ = nullptr;  ///< kMaxTrailerBytes from the BlockPool while in trailers
  std::size_t trailer_size_ = 0;

 public:
  BodyDecoder() = default;
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;
  ~BodyDecoder();
};

}  // namespace gatehouse::http
