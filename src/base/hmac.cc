// The context-free functions: OpenSSL 3's EVP looks the algorithm up and allocates at each call.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

namespace gatehouse {
namespace {

/// One hash that is under way.
class Digest {
 public:
  explicit Digest(HashKind kind) : kind_(kind) {
    switch (kind_) {
      case HashKind::sha1:
        SHA1_Init(&one_);
        break;
      case HashKind::sha256:
        SHA256_Init(&small_);
        break;
      case HashKind::sha384:
        SHA384_Init(&large_);
        break;
      case HashKind::sha512:
        SHA512_Init(&large_);
        break;
    }
  }
  void add(const void* bytes, std::size_t size) {
    switch (kind_) {
      case HashKind::sha1:
        SHA1_Update(&one_, bytes, size);
        break;
      case HashKind::sha256:
        SHA256_Update(&small_, bytes, size);
        break;
      case HashKind::sha384:
        SHA384_Update(&large_, bytes, size);
        break;
      case HashKind::sha512:
        SHA512_Update(&large_, bytes, size);
        break;
    }
  }
  HashValue finish() {
    HashValue value;
    switch (kind_) {
      case HashKind::sha1:
        SHA1_Final(value.bytes, &one_);
        value.size = SHA_DIGEST_LENGTH;
        break;
      case HashKind::sha256:
        SHA256_Final(value.bytes, &small_);
        value.size = SHA256_DIGEST_LENGTH;
        break;
      case HashKind::sha384:
        SHA384_Final(value.bytes, &large_);
        value.size = SHA384_DIGEST_LENGTH;
        break;
      case HashKind::sha512:
        SHA512_Final(value.bytes, &large_);
        value.size = SHA512_DIGEST_LENGTH;
        break;
    }
    return value;
  }
  std::size_t block() const { return kind_ <= HashKind::sha256 ? 64 : 128; }

 private:
  HashKind kind_;
  union {
    SHA_CTX one_;
    SHA256_CTX small_;
    SHA512_CTX large_;
  };
};

}  // namespace

HashValue hash_of(HashKind kind, std::string_view text) {
  Digest digest(kind);
  digest.add(text.data(), text.size());
  return digest.finish();
}

/// The hash's states behind the two padded keys.
struct HmacKey::States {
  explicit States(HashKind kind) : inner(kind), outer(kind) {}
  ~States() { OPENSSL_cleanse(this, sizeof *this); }
  Digest inner, outer;
};

HmacKey::HmacKey(HashKind kind, std::string_view secret) : kind_(kind), states_(std::make_unique<States>(kind)) {
  std::uint8_t key[128] = {};
  const std::size_t block = states_->inner.block();
  if (secret.size() > block) {
    const HashValue shorter = hash_of(kind_, secret);
    std::memcpy(key, shorter.bytes, shorter.size);
  } else if (!secret.empty()) {
    std::memcpy(key, secret.data(), secret.size());
  }
  for (std::size_t i = 0; i < block; ++i) key[i] ^= 0x36;
  states_->inner.add(key, block);
  for (std::size_t i = 0; i < block; ++i) key[i] ^= 0x36 ^ 0x5c;
  states_->outer.add(key, block);
  OPENSSL_cleanse(key, sizeof key);
}

HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;
HmacKey::~HmacKey() = default;

HashValue HmacKey::sign(std::string_view text) const {
  Digest inner = states_->inner;
  inner.add(text.data(), text.size());
  const HashValue middle = inner.finish();
  Digest outer = states_->outer;
  outer.add(middle.bytes, middle.size);
  return outer.finish();
}

}  // namespace gatehouse
