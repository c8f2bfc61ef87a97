#include "plugins/jwt/token_cache.h"

#include <algorithm>
#include <bit>

namespace gatehouse::plugins::jwt {

const std::shared_ptr<const VerifiedToken>* TokenCache::find(const Hash128& hash, std::int64_t now_s) {
  if (slots_.empty()) return nullptr;
  ++clock_;
  Slot* const first = row(hash);
  for (Slot* slot = first; slot != first + kWays; ++slot) {
    if (slot->token == nullptr || slot->hash != hash) continue;
    if (now_s >= slot->token->good_until_s) {
      slot->token = nullptr;
      return nullptr;
    }
    slot->used = clock_;
    return &slot->token;
  }
  return nullptr;
}

void TokenCache::keep(const Hash128& hash, std::shared_ptr<const VerifiedToken> token, std::size_t most) {
  if (slots_.empty()) slots_.resize(std::bit_floor(std::max(most, kWays)));
  Slot* const first = row(hash);
  Slot* const to = std::min_element(first, first + kWays, [&](const Slot& a, const Slot& b) {
    const auto rank = [&](const Slot& slot) {
      return slot.token == nullptr ? std::pair(0, 0u)
                                   : std::pair(slot.hash == hash ? 0 : 1, UINT32_MAX - (clock_ - slot.used));
    };
    return rank(a) < rank(b);
  });
  *to = {hash, clock_, std::move(token)};
}

void TokenCache::forget(const Hash128& hash) {
  if (slots_.empty()) return;
  Slot* const first = row(hash);
  for (Slot* slot = first; slot != first + kWays; ++slot) {
    if (slot->hash == hash) slot->token = nullptr;
  }
}

}  // namespace gatehouse::plugins::jwt
