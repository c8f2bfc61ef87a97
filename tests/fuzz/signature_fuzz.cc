// What clients sign with: structured fields, Kong's header, Basic's. What is read is written, and read again as the
// same.
#include "fuzz/fuzz.h"
#include "plugins/basic_auth/basic_scheme.h"
#include "plugins/hmac_auth/kong_signature.h"
#include "plugins/hmac_auth/structured_fields.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;
using namespace gatehouse::plugins;

void dictionary(std::string_view input) {
  Arena arena;
  std::span<const hmac_auth::Member> members;
  if (!hmac_auth::parse_dictionary(input, arena, members)) return;
  require(members.size() <= hmac_auth::kMostMembers, "has its bound");
  for (const hmac_auth::Member& member : members) {
    if (!member.is_list) continue;
    require(member.items.size() <= hmac_auth::kMostItems, "has its bound");
    const std::string_view written = hmac_auth::serialise_list(member, arena);
    std::span<const hmac_auth::Member> again;
    require(hmac_auth::parse_dictionary(arena.concat(member.key, "=", written), arena, again),
            "what is written can be read");
    require(again.size() == 1 && again[0].is_list && again[0].items.size() == member.items.size(), "and is the same");
    require_equal(hmac_auth::serialise_list(again[0], arena), written, "to the byte");
  }
}

void kong(std::string_view input) {
  Arena arena;
  bool ours = false;
  const auto found = hmac_auth::parse_kong_signature(input, arena, ours);
  require(!found || (ours && !found->username.empty()), "has all its parts");
  if (const auto date = hmac_auth::parse_http_date(input))
    require(*date > -62'200'000'000 && *date < 253'500'000'000, "is of this era");
}

void basic(std::string_view input) {
  Arena arena;
  const basic_auth::BasicCredentials found = basic_auth::parse_basic(input, arena);
  if (found.found != basic_auth::BasicCredentials::Found::good) return;
  require(found.username.find(':') == std::string_view::npos, "the first colon ends the name");
  for (const std::string_view text : {found.username, found.password}) {
    for (const char c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "has no control characters");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  dictionary(input);
  kong(input);
  basic(input);
  return 0;
}
