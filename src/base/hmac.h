#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
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
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;
  ~HmacKey();

  HashValue sign(std::string_view text) const;

 private:
  struct States;
  HashKind kind_;
  std::unique_ptr<States> states_;
};

}  // namespace gatehouse
