#include "http/websocket.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

namespace gatehouse::http {

void WebSocketFrames::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (payload_ != 0) {
      const std::uint64_t count = std::min<std::uint64_t>(payload_, bytes.size());
      payload_ -= count;
      bytes.remove_prefix(count);
    } else {
      feed_head(static_cast<std::uint8_t>(bytes.front()));
      bytes.remove_prefix(1);
    }
  }
}

void WebSocketFrames::feed_head(std::uint8_t byte) {
  ++head_;
  if (head_ == 2) {
    const std::uint8_t length = byte & 0x7f;
    length_bytes_ = length == 127 ? 8 : length == 126 ? 2 : 0;
    length_ = length_bytes_ == 0 ? length : 0;
    head_size_ = static_cast<std::uint8_t>(2 + length_bytes_ + ((byte & 0x80) != 0 ? 4 : 0));
  } else if (head_ > 2 && head_ <= 2 + length_bytes_) {
    length_ = length_ << 8 | byte;
  }
  if (head_ < 2 || head_ < head_size_) return;
  payload_ = length_;
  head_ = 0;
  head_size_ = 2;
}

void put_accept(char* to, std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
  char base64[kAcceptSize + 1];
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), digest, 20);
  std::copy_n(base64, kAcceptSize, to);
}

}  // namespace gatehouse::http
