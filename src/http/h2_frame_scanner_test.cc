#include "http/h2_frame_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::http {
namespace {

std::string frame(char type, char flags, std::size_t size) {
  std::string bytes{static_cast<char>(size >> 16), static_cast<char>(size >> 8), static_cast<char>(size), type, flags};
  return bytes + std::string(4, '\1') + std::string(size, 'x');
}

TEST(H2FrameScanner, knows_where_a_header_block_begins_and_ends) {
  const std::string preface(24, 'P');
  const std::string bytes = preface + frame(4, 0, 6) + frame(1, 4, 300) + frame(0, 1, 70'000) + frame(1, 0, 5) +
                            frame(9, 0, 0) + frame(9, 4, 2) + frame(6, 0, 8) + frame(1, 4, 0);
  // Offsets at which a block is open, from its head's last byte to the last of its frames.
  const std::size_t first = 24 + 15, second = first + 309 + 70'009;
  const auto open = [&](std::size_t taken) {
    return (taken >= first + 9 && taken < first + 309) || (taken >= second + 9 && taken < second + 14 + 9 + 11);
  };
  for (const std::size_t step : {1, 7, 16'384}) {
    H2FrameScanner scanner(preface.size());
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      scanner.take(std::string_view(bytes).substr(at, step));
      const std::size_t taken = std::min(at + step, bytes.size());
      ASSERT_EQ(scanner.in_header_block(), open(taken)) << taken << " by " << step;
    }
  }
}

}  // namespace
}  // namespace gatehouse::http
