#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "config/value_kinds.h"
#include "jose/claims.h"

namespace gatehouse::plugins::jwt {

/// Tokens that are good no more before their time is over. Immutable, any thread.
struct Revoked {
  std::unordered_set<std::string> tokens;                  ///< by jti
  std::unordered_map<std::string, std::int64_t> subjects;  ///< by sub: those issued before this Unix time

  bool empty() const { return tokens.empty() && subjects.empty(); }
  bool contains(const jose::ClaimsView& claims, Arena& arena) const;
};

/// `{jti: [id, …], sub: {ada: 1764300000}}`, or a text that is that, as of `${file:revoked.yaml}`.
config::Value<Revoked> revoked_list();

}  // namespace gatehouse::plugins::jwt
