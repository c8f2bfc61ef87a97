#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

/// Follows the frames of one direction of an HTTP/2 connection (RFC 9113 section 4.1) to tell whether a header block
/// has begun and not ended, whatever becomes of it. No I/O.
class H2FrameScanner {
 public:
  /// `skipped`: bytes in front of the first frame, such as a client's preface.
  explicit H2FrameScanner(std::size_t skipped) : left_(skipped) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ != 0) {
        const std::size_t payload = std::min(left_, bytes.size());
        left_ -= payload;
        bytes.remove_prefix(payload);
        if (left_ == 0) end_frame();
        continue;
      }
      head_[have_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (have_ != kHead) continue;
      have_ = 0;
      type_ = head_[3];
      flags_ = head_[4];
      left_ = std::size_t{head_[0]} << 16 | std::size_t{head_[1]} << 8 | head_[2];
      in_block_ = in_block_ || type_ == kHeaders;
      if (left_ == 0) end_frame();
    }
  }
  bool in_header_block() const { return in_block_; }

 private:
  static constexpr unsigned kHead = 9;
  static constexpr std::uint8_t kHeaders = 1, kContinuation = 9, kEndHeaders = 4;

  void end_frame() {
    const bool part = type_ == kHeaders || type_ == kContinuation;
    if (part && (flags_ & kEndHeaders) != 0) in_block_ = false;
    type_ = 0;
  }

  std::size_t left_;
  std::uint8_t head_[kHead] = {};
  unsigned have_ = 0;
  std::uint8_t type_ = 0, flags_ = 0;
  bool in_block_ = false;
};

}  // namespace gatehouse::http
