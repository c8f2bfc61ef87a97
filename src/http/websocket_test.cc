#include "http/websocket.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::http {
namespace {

std::string frame(std::size_t size, bool masked) {
  std::string bytes = "\x82";
  const int mask = masked ? 0x80 : 0;
  if (size < 126) {
    bytes += static_cast<char>(mask | static_cast<int>(size));
  } else if (size < 65536) {
    bytes += static_cast<char>(mask | 126);
    for (const int shift : {8, 0}) bytes += static_cast<char>(size >> shift);
  } else {
    bytes += static_cast<char>(mask | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift);
  }
  if (masked) bytes += "mask";
  return bytes + std::string(size, '\x88');
}

TEST(WebSocketFrames, knows_where_each_frame_ends) {
  for (const bool masked : {false, true}) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 300U, 65535U, 65536U, 100'000U}) {
      const std::string bytes = frame(size, masked);
      WebSocketFrames whole;
      whole.feed(bytes + bytes);
      EXPECT_TRUE(whole.at_boundary()) << size;
      WebSocketFrames part;
      part.feed(std::string_view(bytes).substr(0, bytes.size() - 1));
      EXPECT_FALSE(part.at_boundary()) << size;
      WebSocketFrames single;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        single.feed(std::string_view(bytes).substr(i, 1));
        EXPECT_EQ(single.at_boundary(), i + 1 == bytes.size()) << size << " at " << i;
      }
    }
  }
}

TEST(WebSocketFrames, the_goodbyes_are_frames) {
  for (const std::string_view bye : {kCloseToClient, kCloseToService}) {
    WebSocketFrames frames;
    frames.feed(bye);
    EXPECT_TRUE(frames.at_boundary());
  }
}

}  // namespace
}  // namespace gatehouse::http
