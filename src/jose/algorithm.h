#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/hmac.h"

namespace gatehouse::jose {

/// The signature algorithms of RFC 7518, section 3, and RFC 8037. `none` is not among them, so nothing can allow it.
enum class Algorithm : std::uint8_t {
  HS256,
  HS384,
  HS512,
  RS256,
  RS384,
  RS512,
  PS256,
  PS384,
  PS512,
  ES256,
  ES384,
  ES512,
  EdDSA,  ///< with Ed25519
};
inline constexpr std::size_t kAlgorithmCount = static_cast<std::size_t>(Algorithm::EdDSA) + 1;

/// The name as it stands in `alg`.
std::string_view to_string(Algorithm algorithm);
/// The algorithm with exactly that name; upper and lower case differ.
std::optional<Algorithm> parse_algorithm(std::string_view name);

/// Some of the algorithms.
class AlgorithmSet {
 public:
  constexpr AlgorithmSet() = default;
  constexpr AlgorithmSet(Algorithm algorithm) : bits_(bit(algorithm)) {}
  constexpr AlgorithmSet(std::initializer_list<Algorithm> algorithms) {
    for (const Algorithm algorithm : algorithms) bits_ |= bit(algorithm);
  }

  constexpr bool contains(Algorithm algorithm) const { return (bits_ & bit(algorithm)) != 0; }
  constexpr bool contains(AlgorithmSet other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr bool empty() const { return bits_ == 0; }
  /// The only one of them, if there is exactly one.
  std::optional<Algorithm> only() const;

  friend constexpr AlgorithmSet operator&(AlgorithmSet a, AlgorithmSet b) { return of(a.bits_ & b.bits_); }
  friend constexpr AlgorithmSet operator|(AlgorithmSet a, AlgorithmSet b) { return of(a.bits_ | b.bits_); }
  friend constexpr bool operator==(AlgorithmSet, AlgorithmSet) = default;

 private:
  static constexpr std::uint16_t bit(Algorithm algorithm) {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(algorithm));
  }
  static constexpr AlgorithmSet of(int bits) {
    AlgorithmSet set;
    set.bits_ = static_cast<std::uint16_t>(bits);
    return set;
  }
  std::uint16_t bits_ = 0;
};

/// HMAC with a shared secret.
inline constexpr AlgorithmSet kHmac{Algorithm::HS256, Algorithm::HS384, Algorithm::HS512};
/// What an RSA key can be used with.
inline constexpr AlgorithmSet kRsa{Algorithm::RS256, Algorithm::RS384, Algorithm::RS512,
                                   Algorithm::PS256, Algorithm::PS384, Algorithm::PS512};
inline constexpr AlgorithmSet kPss{Algorithm::PS256, Algorithm::PS384, Algorithm::PS512};
inline constexpr AlgorithmSet kEcdsa{Algorithm::ES256, Algorithm::ES384, Algorithm::ES512};
/// All with a public key: what keys that are published may be used with.
inline constexpr AlgorithmSet kAsymmetric = kRsa | kEcdsa | Algorithm::EdDSA;
inline constexpr AlgorithmSet kAllAlgorithms = kHmac | kAsymmetric;

/// The hash in the algorithm's name; SHA-512 for EdDSA.
constexpr HashKind hash_kind(Algorithm algorithm) {
  constexpr HashKind kKinds[] = {HashKind::sha256, HashKind::sha384, HashKind::sha512};
  return algorithm == Algorithm::EdDSA ? HashKind::sha512 : kKinds[static_cast<std::size_t>(algorithm) % 3];
}
/// Its bytes: 32, 48 or 64.
constexpr std::size_t hash_size(Algorithm algorithm) {
  return algorithm == Algorithm::EdDSA ? 64 : 32 + 16 * (static_cast<std::size_t>(algorithm) % 3);
}

}  // namespace gatehouse::jose
