#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "jose/algorithm.h"

struct evp_pkey_st;

namespace gatehouse::jose {

struct FreePkey {
  void operator()(evp_pkey_st* key) const;
};
using PkeyPointer = std::unique_ptr<evp_pkey_st, FreePkey>;

/// A public key of OpenSSL's that is fit for some algorithms. Immutable; any thread.
class PublicKey {
 public:
  /// Refuses a key that does not fit each of `algorithms` (not empty), an RSA key outside 2048 to 8192 bits, and a
  /// curve that is not the algorithm's.
  static Result<std::shared_ptr<const PublicKey>> make(PkeyPointer key, AlgorithmSet algorithms);

  /// `algorithm` must be one of those that it was made with. Threads share nothing here but read-only memory: each
  /// keeps OpenSSL's contexts of the keys that it used last.
  bool verify(Algorithm algorithm, std::string_view text, std::string_view signature) const;

 private:
  explicit PublicKey(PkeyPointer key);
  bool verify_rsa(Algorithm algorithm, std::string_view text, std::string_view signature) const;
  bool verify_ecdsa(Algorithm algorithm, std::string_view text, std::string_view signature) const;
  bool verify_ed25519(std::string_view text, std::string_view signature) const;

  PkeyPointer key_;
  std::uint64_t id_;  ///< no other key of the process has it, nor will
};

/// The algorithms that a key of this type and curve can be used with; none: no algorithm takes it.
AlgorithmSet algorithms_of(const evp_pkey_st* key);

}  // namespace gatehouse::jose
