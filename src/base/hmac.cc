// The context-free functions: OpenSSL 3's EVP looks the algorithm up and allocates at each call.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#include "base/sha256.h"

namespace gatehouse {
namespace {

template <class C, std::size_t size, std::size_t block, auto start, auto add, auto end>
struct Sha {
  using Context = C;
  static constexpr std::size_t kSize = size, kBlock = block;
  static constexpr auto init = start;
  static constexpr auto update = add;
  static constexpr auto final = end;
};
using Sha1 = Sha<SHA_CTX, SHA_DIGEST_LENGTH, SHA_CBLOCK, SHA1_Init, SHA1_Update, SHA1_Final>;
using Sha2_256 = Sha<SHA256_CTX, SHA256_DIGEST_LENGTH, SHA256_CBLOCK, SHA256_Init, SHA256_Update, SHA256_Final>;
using Sha2_384 = Sha<SHA512_CTX, SHA384_DIGEST_LENGTH, SHA512_CBLOCK, SHA384_Init, SHA384_Update, SHA384_Final>;
using Sha2_512 = Sha<SHA512_CTX, SHA512_DIGEST_LENGTH, SHA512_CBLOCK, SHA512_Init, SHA512_Update, SHA512_Final>;

/// Calls function.template operator()<Hash>() with the hash of that kind.
template <class F>
decltype(auto) with_hash(HashKind kind, const F& function) {
  switch (kind) {
    case HashKind::sha1:
      return function.template operator()<Sha1>();
    case HashKind::sha256:
      return function.template operator()<Sha2_256>();
    case HashKind::sha384:
      return function.template operator()<Sha2_384>();
    case HashKind::sha512:
      break;
  }
  return function.template operator()<Sha2_512>();
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
