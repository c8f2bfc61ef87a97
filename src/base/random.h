#pragma once
#include <cstdint>

namespace gatehouse {

/// Fast random numbers for ids, sampling and weighted choice (xoshiro256**, Blackman and Vigna 2018), seeded from the
/// kernel. Not for secrets. One per worker; one thread.
class Random {
 public:
  Random();
  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// Uniform in [0, below); `below` > 0.
  std::uint32_t below(std::uint32_t below) {
    return static_cast<std::uint32_t>((static_cast<unsigned __int128>(next()) * below) >> 64);
  }

 private:
  static std::uint64_t rotate(std::uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }
  std::uint64_t state_[4];
};

/// "0f8fad5b-d9cb-469f-a165-70867728950e": a version 4 UUID (RFC 9562) of 128 random bits; 36 characters.
char* put_uuid(char* to, std::uint64_t high, std::uint64_t low);

}  // namespace gatehouse
