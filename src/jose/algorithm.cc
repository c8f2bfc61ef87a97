#include "jose/algorithm.h"

#include <array>
#include <bit>

namespace gatehouse::jose {
namespace {

constexpr std::array<std::string_view, kAlgorithmCount> kNames = {"HS256", "HS384", "HS512", "RS256", "RS384",
                                                                  "RS512", "PS256", "PS384", "PS512", "ES256",
                                                                  "ES384", "ES512", "EdDSA"};

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Algorithm>(i);
  }
  return std::nullopt;
}

std::optional<Algorithm> AlgorithmSet::only() const {
  if (!std::has_single_bit(bits_)) return std::nullopt;
  return static_cast<Algorithm>(std::countr_zero(bits_));
}

}  // namespace gatehouse::jose
