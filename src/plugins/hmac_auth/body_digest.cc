#include "plugins/hmac_auth/body_digest.h"

#include "base/base64.h"
#include "base/hmac.h"
#include "base/sha256.h"
#include "plugins/hmac_auth/structured_fields.h"

namespace gatehouse::plugins::hmac_auth {

std::optional<BodyDigests> parse_content_digest(std::string_view value, Arena& arena) {
  std::span<const Member> members;
  if (!parse_dictionary(value, arena, members)) return std::nullopt;
  BodyDigests digests;
  for (const Member& member : members) {
    if (member.is_list) return std::nullopt;
    if (member.key != "sha-256" && member.key != "sha-512") continue;
    if (member.bytes.empty()) return std::nullopt;
    (member.key == "sha-256" ? digests.sha256 : digests.sha512) = member.bytes;
  }
  if (digests.sha256.empty() && digests.sha512.empty()) return std::nullopt;
  return digests;
}

std::optional<BodyDigests> parse_kong_digest(std::string_view value, Arena& arena) {
  constexpr std::string_view kName = "SHA-256=";
  if (!http::equal_names(value.substr(0, kName.size()), kName)) return std::nullopt;
  value.remove_prefix(kName.size());
  char* const bytes = arena.reserve(base64_room(value.size()));
  const std::size_t size = base64_decode(value, bytes);
  if (size == std::string_view::npos || size == 0) return std::nullopt;
  return BodyDigests{.sha256 = {bytes, size}, .sha512 = {}};
}

bool are_of(const BodyDigests& digests, std::string_view body) {
  const auto is_of = [body](HashKind kind, std::string_view digest) {
    return digest.empty() || equal_in_constant_time(hash_of(kind, body).view(), digest);
  };
  return is_of(HashKind::sha256, digests.sha256) && is_of(HashKind::sha512, digests.sha512);
}

}  // namespace gatehouse::plugins::hmac_auth
