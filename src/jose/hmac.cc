// The context-free functions: OpenSSL 3's EVP allocates at each use and looks the algorithm up again.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "jose/hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

#include "base/sha256.h"

namespace gatehouse::jose {
namespace {

struct HashSha256 {
  using Context = SHA256_CTX;
  static constexpr std::size_t kSize = SHA256_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA256_CBLOCK;
  static constexpr auto init = SHA256_Init;
  static constexpr auto update = SHA256_Update;
  static constexpr auto final = SHA256_Final;
};
struct HashSha384 {
  using Context = SHA512_CTX;
  static constexpr std::size_t kSize = SHA384_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA512_CBLOCK;
  static constexpr auto init = SHA384_Init;
  static constexpr auto update = SHA384_Update;
  static constexpr auto final = SHA384_Final;
};
struct HashSha512 : HashSha384 {
  static constexpr std::size_t kSize = SHA512_DIGEST_LENGTH;
  static constexpr auto init = SHA512_Init;
  static constexpr auto update = SHA512_Update;
  static constexpr auto final = SHA512_Final;
};

}  // namespace

template <class Hash>
void Hmac::start(std::string_view secret) {
  static_assert(sizeof(typename Hash::Context) <= sizeof(State) && alignof(typename Hash::Context) <= alignof(State));
  std::array<unsigned char, Hash::kBlock> key{};
  typename Hash::Context context;
  if (secret.size() > key.size()) {
    Hash::init(&context);
    Hash::update(&context, secret.data(), secret.size());
    Hash::final(key.data(), &context);
  } else if (!secret.empty()) {
    std::memcpy(key.data(), secret.data(), secret.size());
  }
  const auto absorb = [&](unsigned char pad, State& state) {
    std::array<unsigned char, Hash::kBlock> block = key;
    for (unsigned char& byte : block) byte ^= pad;
    Hash::init(&context);
    Hash::update(&context, block.data(), block.size());
    std::memcpy(state.bytes.data(), &context, sizeof context);
    OPENSSL_cleanse(block.data(), block.size());
  };
  absorb(0x36, inner_);
  absorb(0x5c, outer_);
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(&context, sizeof context);
}

template <class Hash>
bool Hmac::check(std::string_view text, std::string_view signature) const {
  typename Hash::Context context;
  std::array<unsigned char, Hash::kSize> hash;
  std::memcpy(&context, inner_.bytes.data(), sizeof context);
  Hash::update(&context, text.data(), text.size());
  Hash::final(hash.data(), &context);
  std::memcpy(&context, outer_.bytes.data(), sizeof context);
  Hash::update(&context, hash.data(), hash.size());
  Hash::final(hash.data(), &context);
  return equal_in_constant_time({reinterpret_cast<const char*>(hash.data()), hash.size()}, signature);
}

Hmac::Hmac(std::string_view secret, Algorithm algorithm) : algorithm_(algorithm), inner_(), outer_() {
  if (algorithm == Algorithm::HS256) {
    start<HashSha256>(secret);
  } else if (algorithm == Algorithm::HS384) {
    start<HashSha384>(secret);
  } else {
    start<HashSha512>(secret);
  }
}

Hmac::~Hmac() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

bool Hmac::verify(std::string_view text, std::string_view signature) const {
  switch (algorithm_) {
    case Algorithm::HS256:
      return check<HashSha256>(text, signature);
    case Algorithm::HS384:
      return check<HashSha384>(text, signature);
    default:
      return check<HashSha512>(text, signature);
  }
}

}  // namespace gatehouse::jose
