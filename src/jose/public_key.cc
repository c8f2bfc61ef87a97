#include "jose/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <atomic>
#include <cstring>
#include <optional>

namespace gatehouse::jose {
namespace {

constexpr int kSmallestRsa = 2048;
constexpr int kLargestRsa = 8192;

/// Leaves no error of OpenSSL's behind: the thread's list of them is TLS's too.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
  ~QuietErrors() { ERR_pop_to_mark(); }
};

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using VerifyContext = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

const EVP_MD* evp_hash(Algorithm algorithm) {
  switch (hash_size(algorithm)) {
    case 32:
      return EVP_sha256();
    case 48:
      return EVP_sha384();
    default:
      return EVP_sha512();
  }
}

/// A context that verifies signatures of digests; null: the key does not take the algorithm.
VerifyContext make_context(EVP_PKEY* key, Algorithm algorithm) {
  VerifyContext context(EVP_PKEY_CTX_new(key, nullptr));
  if (context == nullptr || EVP_PKEY_verify_init(context.get()) != 1) return nullptr;
  if (EVP_PKEY_CTX_set_signature_md(context.get(), evp_hash(algorithm)) != 1) return nullptr;
  if (!kRsa.contains(algorithm)) return context;
  const bool pss = kPss.contains(algorithm);
  if (EVP_PKEY_CTX_set_rsa_padding(context.get(), pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1) return nullptr;
  if (pss && (EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), evp_hash(algorithm)) != 1 ||
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return nullptr;
  }
  return context;
}

/// The contexts that a thread used last, so that a verification does not make one: that takes microseconds.
class Contexts {
 public:
  struct Slot {
    std::uint64_t id = 0;
    Algorithm algorithm{};
    VerifyContext digest;                              ///< of all but EdDSA: verifies as often as one likes
    std::unique_ptr<EVP_MD_CTX, FreeContext> message;  ///< of EdDSA, which wants the text itself: started each time
  };

  /// null: the key does not take the algorithm.
  Slot* get(EVP_PKEY* key, std::uint64_t id, Algorithm algorithm) {
    Slot& slot = slots_[(id * 3 + static_cast<std::uint64_t>(algorithm)) % slots_.size()];
    if (slot.id == id && slot.algorithm == algorithm) return &slot;
    // A copy of the key: OpenSSL would have the threads count and lock in the one that they share.
    const PkeyPointer own(EVP_PKEY_dup(key));
    if (own == nullptr) return nullptr;
    slot = {id, algorithm, nullptr, nullptr};
    bool made = false;
    if (algorithm == Algorithm::EdDSA) {
      slot.message.reset(EVP_MD_CTX_new());
      made = slot.message != nullptr &&
             EVP_DigestVerifyInit(slot.message.get(), nullptr, nullptr, nullptr, own.get()) == 1;
    } else {
      slot.digest = make_context(own.get(), algorithm);
      made = slot.digest != nullptr;
    }
    if (!made) slot = {};
    return made ? &slot : nullptr;
  }

 private:
  std::array<Slot, 256> slots_;
};
thread_local Contexts contexts;

/// A DER INTEGER of the big-endian number `from`, at `to`; the end of it.
unsigned char* write_integer(std::string_view from, unsigned char* to) {
  while (from.size() > 1 && from.front() == '\0') from.remove_prefix(1);
  const bool pad = (static_cast<unsigned char>(from.front()) & 0x80) != 0;
  *to++ = 0x02;
  *to++ = static_cast<unsigned char>(from.size() + (pad ? 1 : 0));
  if (pad) *to++ = 0;
  std::memcpy(to, from.data(), from.size());
  return to + from.size();
}

std::size_t coordinate_size(Algorithm algorithm) {
  return algorithm == Algorithm::ES256 ? 32 : algorithm == Algorithm::ES384 ? 48 : 66;
}

std::optional<Algorithm> algorithm_of_curve(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1) return std::nullopt;
  const std::string_view curve = name.data();
  if (curve == "prime256v1" || curve == "P-256") return Algorithm::ES256;
  if (curve == "secp384r1" || curve == "P-384") return Algorithm::ES384;
  if (curve == "secp521r1" || curve == "P-521") return Algorithm::ES512;
  return std::nullopt;
}

/// "" where an RSA key's numbers are sound.
const char* fault_of_rsa(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kSmallestRsa) return "an RSA key must have at least 2048 bits";
  if (bits > kLargestRsa) return "an RSA key may have at most 8192 bits";
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &number);
  const bool good_exponent = number != nullptr && BN_is_odd(number) && !BN_is_one(number) && BN_num_bits(number) <= 64;
  BN_free(number);
  if (!good_exponent) return "an RSA key's exponent must be odd, above 1 and below 2^64";
  number = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &number);
  const bool good_modulus = number != nullptr && BN_is_odd(number);
  BN_free(number);
  return good_modulus ? "" : "an RSA key's modulus must be odd";
}

const char* mismatch(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return "an RSA key goes with RS256, RS384, RS512, PS256, PS384 and PS512 only";
  if (EVP_PKEY_is_a(key, "RSA-PSS")) return "an RSA-PSS key goes with PS256, PS384 and PS512 only";
  if (EVP_PKEY_is_a(key, "ED25519")) return "an Ed25519 key goes with EdDSA only";
  if (EVP_PKEY_is_a(key, "EC")) {
    return "the algorithm does not go with the key's curve: ES256 needs P-256, ES384 P-384, ES512 P-521";
  }
  return "a key must be an RSA key, one on the curves P-256, P-384 or P-521, or Ed25519";
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

void FreePkey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

AlgorithmSet algorithms_of(const evp_pkey_st* key) {
  if (EVP_PKEY_is_a(key, "RSA")) return kRsa;
  if (EVP_PKEY_is_a(key, "RSA-PSS")) return kPss;
  if (EVP_PKEY_is_a(key, "ED25519")) return Algorithm::EdDSA;
  if (!EVP_PKEY_is_a(key, "EC")) return {};
  const auto algorithm = algorithm_of_curve(key);
  return algorithm ? AlgorithmSet(*algorithm) : AlgorithmSet();
}

PublicKey::PublicKey(PkeyPointer key) : key_(std::move(key)), id_(next_id()) {}

Result<std::shared_ptr<const PublicKey>> PublicKey::make(PkeyPointer key, AlgorithmSet algorithms) {
  const QuietErrors quiet;
  const AlgorithmSet fit = algorithms_of(key.get());
  if (algorithms.empty() || !fit.contains(algorithms)) return fail({.detail = mismatch(key.get())});
  if (kRsa.contains(fit)) {
    if (const char* fault = fault_of_rsa(key.get()); *fault != '\0') return fail({.detail = fault});
  }
  for (std::size_t i = 0; i < kAlgorithmCount; ++i) {
    const auto algorithm = static_cast<Algorithm>(i);
    if (algorithm == Algorithm::EdDSA || !algorithms.contains(algorithm)) continue;
    if (make_context(key.get(), algorithm) == nullptr) {
      return fail({.detail = "the key's own restrictions exclude the algorithm"});
    }
  }
  return std::shared_ptr<const PublicKey>(new PublicKey(std::move(key)));
}

bool PublicKey::verify(Algorithm algorithm, std::string_view text, std::string_view signature) const {
  const QuietErrors quiet;
  if (kRsa.contains(algorithm)) return verify_rsa(algorithm, text, signature);
  if (kEcdsa.contains(algorithm)) return verify_ecdsa(algorithm, text, signature);
  return algorithm == Algorithm::EdDSA && verify_ed25519(text, signature);
}

bool PublicKey::verify_rsa(Algorithm algorithm, std::string_view text, std::string_view signature) const {
  if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()))) return false;
  const Contexts::Slot* const slot = contexts.get(key_.get(), id_, algorithm);
  if (slot == nullptr) return false;
  const HashValue hash = hash_of(hash_kind(algorithm), text);
  return EVP_PKEY_verify(slot->digest.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         hash.bytes, hash.size) == 1;
}

bool PublicKey::verify_ecdsa(Algorithm algorithm, std::string_view text, std::string_view signature) const {
  const std::size_t half = coordinate_size(algorithm);
  if (signature.size() != 2 * half) return false;
  const Contexts::Slot* const slot = contexts.get(key_.get(), id_, algorithm);
  if (slot == nullptr) return false;

  // SEQUENCE of r and s; its length needs a second byte from 128 on.
  constexpr std::size_t kHead = 3;
  std::array<unsigned char, kHead + 2 * (66 + 3)> der;
  unsigned char* const body = der.data() + kHead;
  unsigned char* const end = write_integer(signature.substr(half), write_integer(signature.substr(0, half), body));
  const auto size = static_cast<unsigned char>(end - body);
  unsigned char* start = body;
  *--start = size;
  if (size >= 128) *--start = 0x81;
  *--start = 0x30;

  const HashValue hash = hash_of(hash_kind(algorithm), text);
  return EVP_PKEY_verify(slot->digest.get(), start, static_cast<std::size_t>(end - start), hash.bytes, hash.size) == 1;
}

bool PublicKey::verify_ed25519(std::string_view text, std::string_view signature) const {
  if (signature.size() != 64) return false;
  const Contexts::Slot* const slot = contexts.get(key_.get(), id_, Algorithm::EdDSA);
  if (slot == nullptr) return false;
  EVP_MD_CTX* const context = slot->message.get();
  // Starts again with the context's own key.
  return EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, nullptr) == 1 &&
         EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

}  // namespace gatehouse::jose
