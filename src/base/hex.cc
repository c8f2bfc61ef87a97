#include "base/hex.h"

#include <array>
#include <cstring>

namespace gatehouse {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

/// Both digits of every byte.
constexpr std::array<char, 512> kPairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4];
    pairs[2 * byte + 1] = kDigits[byte & 15];
  }
  return pairs;
}();

char* put_pair(char* to, std::uint8_t byte) {
  std::memcpy(to, &kPairs[std::size_t{2} * byte], 2);
  return to + 2;
}

}  // namespace

char* put_hex(char* to, std::uint64_t value, int digits) {
  if (digits % 2 != 0) *to++ = kDigits[(value >> (4 * --digits)) & 15];
  for (int shift = 4 * digits - 8; shift >= 0; shift -= 8) to = put_pair(to, static_cast<std::uint8_t>(value >> shift));
  return to;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text(2 * bytes.size(), '\0');
  char* to = text.data();
  for (const std::uint8_t byte : bytes) to = put_pair(to, byte);
  return text;
}

}  // namespace gatehouse
