// The context-free functions: OpenSSL 3's EVP looks the algorithm up and allocates at each call.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#include "base/sha256.h"

namespace gatehouse {
namespace {

struct Sha1Hash {
  using Context = SHA_CTX;
  static constexpr std::size_t kSize = SHA_DIGEST_LENGTH, kBlock = SHA_CBLOCK;
  static constexpr auto init = SHA1_Init;
  static constexpr auto update = SHA1_Update;
  static constexpr auto final = SHA1_Final;
};
struct Sha256Hash {
  using Context = SHA256_CTX;
  static constexpr std::size_t kSize = SHA256_DIGEST_LENGTH, kBlock = SHA256_CBLOCK;
  static constexpr auto init = SHA256_Init;
  static constexpr auto update = SHA256_Update;
  static constexpr auto final = SHA256_Final;
};
struct Sha384Hash {
  using Context = SHA512_CTX;
  static constexpr std::size_t kSize = SHA384_DIGEST_LENGTH, kBlock = SHA512_CBLOCK;
  static constexpr auto init = SHA384_Init;
  static constexpr auto update = SHA384_Update;
  static constexpr auto final = SHA384_Final;
};
struct Sha512Hash {
  using Context = SHA512_CTX;
  static constexpr std::size_t kSize = SHA512_DIGEST_LENGTH, kBlock = SHA512_CBLOCK;
  static constexpr auto init = SHA512_Init;
  static constexpr auto update = SHA512_Update;
  static constexpr auto final = SHA512_Final;
};

/// Calls function.template operator()<Hash>() with the hash of that kind.
template <class F>
decltype(auto) with_hash(HashKind kind, const F& function) {
  switch (kind) {
    case HashKind::sha1:
      return function.template operator()<Sha1Hash>();
    case HashKind::sha256:
      return function.template operator()<Sha256Hash>();
    case HashKind::sha384:
      return function.template operator()<Sha384Hash>();
    case HashKind::sha512:
      break;
  }
  return function.template operator()<Sha512Hash>();
}

}  // namespace

HashValue hash_of(HashKind kind, std::string_view text) {
  return with_hash(kind, [&]<class Hash>() {
    HashValue value;
    typename Hash::Context context;
    Hash::init(&context);
    Hash::update(&context, text.data(), text.size());
    Hash::final(value.bytes, &context);
    value.size = Hash::kSize;
    return value;
  });
}

HmacKey::HmacKey(HashKind kind, std::string_view secret) : kind_(kind) {
  with_hash(kind, [&]<class Hash>() {
    typename Hash::Context context;
    static_assert(sizeof context <= sizeof(State) && alignof(decltype(context)) <= alignof(State));
    unsigned char key[Hash::kBlock] = {};
    if (secret.size() > sizeof key) {
      const HashValue shorter = hash_of(kind, secret);
      std::memcpy(key, shorter.bytes, shorter.size);
    } else if (!secret.empty()) {
      std::memcpy(key, secret.data(), secret.size());
    }
    const auto absorb = [&](unsigned char pad, State& to) {
      for (unsigned char& byte : key) byte ^= pad;
      Hash::init(&context);
      Hash::update(&context, key, sizeof key);
      std::memcpy(to.bytes, &context, sizeof context);
    };
    absorb(0x36, inner_);
    absorb(0x36 ^ 0x5c, outer_);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(&context, sizeof context);
  });
}

HmacKey::~HmacKey() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

HashValue HmacKey::sign(std::string_view text) const {
  return with_hash(kind_, [&]<class Hash>() {
    HashValue value;
    typename Hash::Context context;
    std::memcpy(&context, inner_.bytes, sizeof context);
    Hash::update(&context, text.data(), text.size());
    Hash::final(value.bytes, &context);
    std::memcpy(&context, outer_.bytes, sizeof context);
    Hash::update(&context, value.bytes, Hash::kSize);
    Hash::final(value.bytes, &context);
    value.size = Hash::kSize;
    return value;
  });
}

bool HmacKey::verify(std::string_view text, std::string_view signature) const {
  return equal_in_constant_time(sign(text).view(), signature);
}

}  // namespace gatehouse
