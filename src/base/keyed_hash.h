#pragma once
#include <cstdint>
#include <string_view>

namespace gatehouse {

/// 128 bits that stand for a text: two texts with the same are not to be expected.
struct Hash128 {
  std::uint64_t high = 0, low = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein 2012) under a key that the process draws at its start:
/// nobody outside can find texts that fall together. Any thread.
Hash128 keyed_hash(std::string_view text);

/// The same under a given key, for test vectors.
Hash128 sip_hash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text);

}  // namespace gatehouse
