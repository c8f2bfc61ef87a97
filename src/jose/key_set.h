#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "jose/key.h"
#include "jose/token.h"

namespace gatehouse::jose {

inline constexpr std::size_t kMaxKeySetText = 1024 * 1024;
inline constexpr std::size_t kMaxKeySetKeys = 1000;
inline constexpr JsonLimits kKeySetLimits{.depth = 16, .values = 65'536};
/// Keys that are tried on one token at most.
inline constexpr std::size_t kMaxTries = 8;

/// Keys, looked up by `kid`. Immutable; any thread.
class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<Key> keys) : KeySet(std::move(keys), 0, "") {}

  /// All keys with that kid, in the order of the document; "" gives those without one.
  std::span<const Key> find(std::string_view kid) const;
  std::span<const Key> keys() const { return keys_; }

  /// The key that the token is signed with. Tried are the keys whose algorithms have the token's: those with its kid,
  /// then those without one; where the token has no kid, all. null: none of the first kMaxTries of them.
  const Key* verify(const Token& token) const noexcept;

  /// No other set of this process has it, but for its copies.
  std::uint64_t serial() const { return serial_; }

  /// Entries of the document that were left out, since they are of no use here.
  std::size_t skipped() const { return skipped_; }
  /// Why the first of them was, "" if there is none.
  const char* skipped_why() const { return skipped_why_; }

 private:
  KeySet(std::vector<Key> keys, std::size_t skipped, const char* why);
  friend Result<KeySet> parse_jwks(JsonValue set, AlgorithmSet allowed);

  std::vector<Key> keys_;  ///< by kid
  std::size_t skipped_ = 0;
  const char* skipped_why_ = "";
  std::uint64_t serial_ = 0;
};

/// A JWK Set (RFC 7517, section 5). An entry that cannot verify with one of `allowed` is left out and counted: of
/// unknown type, for encryption, too weak, damaged. A text that is no JWK Set, too long or with too many keys is an
/// error.
Result<KeySet> parse_jwks(std::string_view text, AlgorithmSet allowed);
/// The same of a text that was parsed within kKeySetLimits.
Result<KeySet> parse_jwks(JsonValue set, AlgorithmSet allowed);

}  // namespace gatehouse::jose
