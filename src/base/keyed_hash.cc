#include "base/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cstdlib>
#include <cstring>

namespace gatehouse {
namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  std::uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

struct Key {
  Key() {
    if (::getrandom(words, sizeof words, 0) != static_cast<ssize_t>(sizeof words)) std::abort();
  }
  std::uint64_t words[2];
};

}  // namespace

Hash128 sip_hash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text) {
  State state{key_low ^ 0x736f6d6570736575, key_high ^ 0x646f72616e646f6d ^ 0xee, key_low ^ 0x6c7967656e657261,
              key_high ^ 0x7465646279746573};
  const std::uint64_t size = text.size();
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);  // little-endian, as all that this runs on
    state.take(word);
  }
  std::uint64_t last = 0;
  if (!text.empty()) std::memcpy(&last, text.data(), text.size());
  state.take(last | size << 56);
  state.v2 ^= 0xee;
  Hash128 hash;
  hash.low = state.finish();
  state.v1 ^= 0xdd;
  hash.high = state.finish();
  return hash;
}

Hash128 keyed_hash(std::string_view text) {
  static const Key key;
  return sip_hash(key.words[0], key.words[1], text);
}

}  // namespace gatehouse
