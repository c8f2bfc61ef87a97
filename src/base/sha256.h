#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

using Sha256 = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of `text`. No allocation; any thread.
Sha256 sha256(std::string_view text);
/// Compares in a time that does not depend on where the two differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);
inline std::string_view bytes_of(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace gatehouse
