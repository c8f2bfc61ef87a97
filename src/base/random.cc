#include "base/random.h"

#include <sys/random.h>

#include <chrono>

#include "base/hex.h"

namespace gatehouse {

Random::Random() {
  if (::getrandom(state_, sizeof state_, 0) != static_cast<ssize_t>(sizeof state_)) {
    // Only before the kernel's pool is ready; ids need to differ, not to be secret.
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    for (int i = 0; i < 4; ++i) state_[i] = (now + static_cast<std::uint64_t>(i)) * 0x9e3779b97f4a7c15ull;
  }
  state_[0] |= 1;  // all zeros would stay zeros
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
