#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "jose/algorithm.h"

namespace gatehouse::jose {

/// HMAC (RFC 2104) under one secret. What depends on the secret alone is computed once. Immutable; any thread; no
/// allocation.
class Hmac {
 public:
  /// `algorithm` is one of kHmac.
  Hmac(std::string_view secret, Algorithm algorithm);
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac();

  /// Whether `signature` is that of `text`, in a time that does not depend on where it differs.
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  /// The state of a hash function after its first block; of SHA-512's size, the largest.
  struct alignas(8) State {
    std::array<unsigned char, 216> bytes;
  };
  template <class Hash>
  void start(std::string_view secret);
  template <class Hash>
  bool check(std::string_view text, std::string_view signature) const;

  Algorithm algorithm_;
  State inner_, outer_;
};

}  // namespace gatehouse::jose
