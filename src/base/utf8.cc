#include "base/utf8.h"

namespace gatehouse {

std::size_t decode_utf8(std::string_view text, std::uint32_t& point) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) {
    point = first;
    return 1;
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  point = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3fu);
  }
  const std::uint32_t least = size == 4 ? 0x10000u : size == 3 ? 0x800u : 0x80u;
  return point < least || point > 0x10ffff || is_surrogate(point) ? 0 : size;
}

std::size_t find_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    std::uint32_t point = 0;
    const std::size_t size = decode_utf8(text.substr(at), point);
    if (size == 0) return at;
    at += size;
  }
  return std::string_view::npos;
}

char* put_utf8(char* to, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  const auto follow = [&](int shift) { put(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    follow(0);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    follow(6);
    follow(0);
  } else {
    put(0xf0 | point >> 18);
    follow(12);
    follow(6);
    follow(0);
  }
  return to;
}

}  // namespace gatehouse
