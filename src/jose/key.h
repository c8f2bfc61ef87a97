#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/hmac.h"
#include "jose/algorithm.h"
#include "jose/json.h"

namespace gatehouse::jose {

class PublicKey;

/// Bytes that the secret of one of kHmac must have at least: as many as its hash (RFC 7518, section 3.2).
constexpr std::size_t shortest_secret(Algorithm algorithm) {
  return hash_size(algorithm);
}

/// A key that verifies signatures, together with the only algorithms that it will be used with: a token's `alg` chooses
/// among these and nothing else. A secret has HMAC algorithms and a public key has others, by construction. Immutable;
/// any thread; a copy shares what it holds. The faults of the functions that make one are told in `detail`; they never
/// quote the key.
class Key {
 public:
  /// `secret` is bytes, at least shortest_secret(algorithm) of them; `algorithm` is one of kHmac.
  static Result<Key> from_secret(std::string_view secret, Algorithm algorithm);
  /// The first of "PUBLIC KEY", "RSA PUBLIC KEY" or "CERTIFICATE" (whose dates are not looked at) in `pem`. A text that
  /// has a private key too is refused.
  static Result<Key> from_pem(std::string_view pem, Algorithm algorithm);
  /// A JWK (RFC 7517, 7518, 8037) as JSON. Its `alg` must be one of `allowed`. Without one it takes: an RSA key, all
  /// that are allowed of its family; a key on a curve, the curve's; a secret, the only one of kHmac that is allowed.
  /// `use` and `key_ops` must leave verifying open. Private keys are refused.
  static Result<Key> from_jwk(std::string_view json, AlgorithmSet allowed = kAllAlgorithms);
  static Result<Key> from_jwk(JsonValue jwk, AlgorithmSet allowed = kAllAlgorithms);

  /// Never empty; kHmac and the others do not mix.
  AlgorithmSet algorithms() const { return algorithms_; }
  /// The JWK's `kid`, "" if it has none.
  const std::string& kid() const { return kid_; }

  /// Whether `signature`, as bytes, is this key's of `signing_input`. False for an algorithm that is not among its own.
  /// HMAC allocates nothing; what OpenSSL does for others does.
  bool verify(Algorithm algorithm, std::string_view signing_input, std::string_view signature) const noexcept;

 private:
  Key(std::shared_ptr<const HmacKey> hmac, Algorithm algorithm) : hmac_(std::move(hmac)), algorithms_(algorithm) {}
  Key(std::shared_ptr<const PublicKey> key, AlgorithmSet algorithms)
      : public_key_(std::move(key)), algorithms_(algorithms) {}

  std::shared_ptr<const HmacKey> hmac_;  ///< one of the two is set
  std::shared_ptr<const PublicKey> public_key_;
  AlgorithmSet algorithms_;
  std::string kid_;
};

}  // namespace gatehouse::jose
