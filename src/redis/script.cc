#include <openssl/evp.h>

#include "redis/client.h"

namespace gatehouse::redis {

RedisScript make_script(std::string text) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), hash, &size, ::EVP_sha1(), nullptr);
  constexpr char kHex[] = "0123456789abcdef";
  std::string sha;
  for (unsigned i = 0; i < size; ++i) {
    sha += kHex[hash[i] >> 4];
    sha += kHex[hash[i] & 15];
  }
  return {std::move(text), std::move(sha)};
}

}  // namespace gatehouse::redis
