#include "jose/key_set.h"

#include <algorithm>
#include <atomic>

namespace gatehouse::jose {
namespace {

std::string_view kid_of(const Key& key) {
  return key.kid();
}

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

KeySet::KeySet(std::vector<Key> keys, std::size_t skipped, const char* why)
    : keys_(std::move(keys)), skipped_(skipped), skipped_why_(why), serial_(next_serial()) {
  std::ranges::stable_sort(keys_, {}, kid_of);
}

std::span<const Key> KeySet::find(std::string_view kid) const {
  const auto range = std::ranges::equal_range(keys_, kid, {}, kid_of);
  return {range.begin(), range.end()};
}

const Key* KeySet::verify(const Token& token) const noexcept {
  std::size_t tries = 0;
  const auto try_keys = [&](std::span<const Key> keys) -> const Key* {
    for (const Key& key : keys) {
      if (!key.algorithms().contains(token.algorithm)) continue;
      if (tries++ == kMaxTries) return nullptr;
      if (jose::verify(key, token)) return &key;
    }
    return nullptr;
  };
  if (!token.kid || token.kid->empty()) return try_keys(keys_);
  if (const Key* key = try_keys(find(*token.kid))) return key;
  return tries < kMaxTries ? try_keys(find("")) : nullptr;
}

Result<KeySet> parse_jwks(std::string_view text, AlgorithmSet allowed) {
  if (text.size() > kMaxKeySetText) return fail({.detail = "the JWK Set is longer than 1 MiB"});
  Arena arena;
  const auto document = parse_json(text, arena, kKeySetLimits);
  if (!document) return fail({.detail = document.error()});
  return parse_jwks(document->root(), allowed);
}

Result<KeySet> parse_jwks(JsonValue set, AlgorithmSet allowed) {
  const JsonValue list = set.member("keys");
  if (!list.is(JsonKind::array)) return fail({.detail = "a JWK Set is a JSON object with a list of keys"});

  std::vector<Key> keys;
  std::size_t skipped = 0;
  const char* why = "";
  for (const JsonValue jwk : list) {
    if (!jwk.is(JsonKind::object)) return fail({.detail = "each key of a JWK Set is a JSON object"});
    if (keys.size() + skipped == kMaxKeySetKeys) return fail({.detail = "the JWK Set has more than 1,000 keys"});
    auto key = Key::from_jwk(jwk, allowed);
    if (key) {
      keys.push_back(*std::move(key));
    } else if (skipped++ == 0) {
      why = key.error().detail;
    }
  }
  return KeySet(std::move(keys), skipped, why);
}

}  // namespace gatehouse::jose
