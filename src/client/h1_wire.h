#pragma once
#include <sys/uio.h>

#include <optional>
#include <string_view>

#include "base/block_pool.h"
#include "http/h1_body.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"
#include "http/stream.h"
#include "io/channel.h"

namespace gatehouse::client {

/// What both ends of an HTTP/1.1 connection do alike: bytes into a buffer in which a head does not move, the body
/// behind it taken out of its framing, and a queue of what is to be written. The two streams (H1Client here, the
/// server's in engine/) add the heads. Owner: one stream; its reactor's thread.
///
/// An idle connection holds no buffer: the head's lives from its first byte to end_message(), the body's only while
/// bytes are in it.
class H1Wire {
 public:
  H1Wire() = default;
  H1Wire(const H1Wire&) = delete;
  H1Wire& operator=(const H1Wire&) = delete;

  io::Channel socket;

  // ---- incoming ----

  /// The unparsed bytes from the head's start on.
  std::string_view head_bytes() const { return {head_.data() + begin_, end_ - begin_}; }
  /// Reads more behind head_bytes(), in a larger buffer if this one is full (views into the old one are void).
  io::Transfer read_head_bytes();
  /// The head took the first `size` of head_bytes().
  void take_head(std::size_t size) { begin_ += size; }
  /// What follows is a body; `trailers` takes its trailer fields.
  void start_body(const http::Framing& framing, http::Fields* trailers) { decoder_.start(framing, trailers); }
  /// As Stream::read_body. Failures: `end` before the body's end or bad framing give bad_framing(); else
  /// error_number().
  http::Io read_body(http::BodyPiece& piece);
  bool body_complete() const { return decoder_.complete(); }
  const char* framing_error() const { return framing_error_; }  ///< "" if the last failure was the connection's
  int error_number() const { return error_number_; }
  bool ended_early() const { return ended_early_; }
  /// Bytes received behind the complete message.
  bool has_surplus() const { return begin_ < end_ || body_begin_ < body_end_; }
  /// The message is done with: gives up its buffers; surplus becomes the start of the next head.
  void end_message();
  /// Gives up all buffers.
  void drop_buffers();

  // ---- outgoing ----

  /// Queues bytes by reference. At most kMaxParts between two flushes that say done.
  void queue(std::string_view bytes) {
    if (!bytes.empty()) parts_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  /// Queues a part of a body in its framing, with the end of the body if `last`.
  void queue_body(std::string_view data, bool last, bool chunked);
  /// Writes what is queued.
  http::Io flush();
  bool flushed() const { return count_ == 0; }
  std::uint64_t written() const { return written_; }  ///< bytes handed to the kernel since reset_written()
  void reset_written() { written_ = 0; }

  static constexpr int kMaxParts = 6;

 private:
  PooledBuffer head_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  PooledBuffer body_;
  std::size_t body_begin_ = 0;
  std::size_t body_end_ = 0;
  http::BodyDecoder decoder_;
  const char* framing_error_ = "";
  int error_number_ = 0;
  bool ended_early_ = false;

  iovec parts_[kMaxParts];
  int count_ = 0;
  std::uint64_t written_ = 0;
  char chunk_head_[http::kMaxChunkHead];
};

}  // namespace gatehouse::client
