#include "base/random.h"

#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstring>

namespace gatehouse {

Random::Random() {
  if (::getrandom(state_, sizeof state_, 0) != static_cast<ssize_t>(sizeof state_)) {
    // Only before the kernel's pool is ready; ids need to differ, not to be secret.
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    for (int i = 0; i < 4; ++i) state_[i] = (now + static_cast<std::uint64_t>(i)) * 0x9e3779b97f4a7c15ull;
  }
  state_[0] |= 1;  // all zeros would stay zeros
}

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

}  // namespace

char* put_hex(char* to, std::uint64_t value, int digits) {
  if (digits % 2 != 0) *to++ = kDigits[(value >> (4 * --digits)) & 15];
  for (int shift = 4 * digits - 8; shift >= 0; shift -= 8) {
    std::memcpy(to, &kPairs[2 * ((value >> shift) & 255)], 2);
    to += 2;
  }
  return to;
}

char* put_uuid(char* to, std::uint64_t high, std::uint64_t low) {
  high = (high & ~0xf000ull) | 0x4000ull;
  low = (low & ~(3ull << 62)) | (2ull << 62);
  to = put_hex(to, high >> 32, 8);
  *to++ = '-';
  to = put_hex(to, high >> 16, 4);
  *to++ = '-';
  to = put_hex(to, high, 4);
  *to++ = '-';
  to = put_hex(to, low >> 48, 4);
  *to++ = '-';
  return put_hex(to, low, 12);
}

}  // namespace gatehouse
