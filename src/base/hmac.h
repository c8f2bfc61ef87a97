#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

enum class HashKind : std::uint8_t { sha1, sha256, sha384, sha512 };

/// A digest or a signature of one of these.
struct HashValue {
  std::uint8_t bytes[64];
  std::size_t size = 0;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes), size}; }
};

/// No allocation; any thread.
HashValue hash_of(HashKind kind, std::string_view text);

/// A secret made ready for HMAC (RFC 2104) with one hash, so that a signature costs its text's blocks and two more, and
/// no allocation. Immutable, any thread.
class HmacKey {
 public:
  HmacKey(HashKind kind, std::string_view secret);
  HmacKey(const HmacKey&) = default;
  HmacKey& operator=(const HmacKey&) = default;
  ~HmacKey();

  HashValue sign(std::string_view text) const;
  /// Whether `signature` is that of `text`, in a time that does not depend on where it differs.
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  /// A hash function's state after its first block; of SHA-512's size, the largest.
  struct alignas(8) State {
    unsigned char bytes[216];
  };

  HashKind kind_;
  State inner_ = {}, outer_ = {};  ///< behind the two padded keys
};

}  // namespace gatehouse
