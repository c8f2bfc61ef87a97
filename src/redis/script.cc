#include <openssl/evp.h>

#include "base/hex.h"
#include "redis/client.h"

namespace gatehouse::redis {

RedisScript make_script(std::string text) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), hash, &size, ::EVP_sha1(), nullptr);
  return {std::move(text), hex({hash, size})};
}

}  // namespace gatehouse::redis
