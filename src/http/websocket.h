#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

/// Follows the frames of one direction of a WebSocket (RFC 6455 section 5.2) without looking at what is in them: a
/// gateway that wants to say goodbye must not do so in the middle of one.
class WebSocketFrames {
 public:
  void feed(std::string_view bytes);
  /// No frame has begun and not ended.
  bool at_boundary() const { return head_ == 0 && payload_ == 0; }

 private:
  void feed_head(std::uint8_t byte);

  std::uint8_t head_ = 0;       ///< bytes of the frame's head that have come
  std::uint8_t head_size_ = 2;  ///< as far as is known
  std::uint8_t length_bytes_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t payload_ = 0;  ///< bytes that are still to come
};

/// The value of Sec-WebSocket-Accept that answers `key` (section 4.2.2): 28 characters at `to`.
inline constexpr std::size_t kAcceptSize = 28;
void put_accept(char* to, std::string_view key);

/// Close frames that say 1001, "going away" (section 7.4.1). What a client sends is masked.
inline constexpr std::string_view kCloseToClient{"\x88\x02\x03\xe9", 4};
inline constexpr std::string_view kCloseToService{"\x88\x82\0\0\0\0\x03\xe9", 8};

}  // namespace gatehouse::http
