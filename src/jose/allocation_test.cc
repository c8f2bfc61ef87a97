// What a request with a token of a shared secret needs allocates nothing but the arena's blocks. (What OpenSSL does for
// public keys allocates within OpenSSL.)
#ifndef GATEHOUSE_SANITIZED
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/testing/counted_new.h"
#include "jose/claims.h"
#include "jose/key_set.h"
#include "jose/times.h"
#include "jose/token.h"
#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

using counted_new::allocations;

TEST(Allocation, a_token_is_verified_and_read_in_the_arena) {
  for (const std::string name : {"HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"}) {
    const test::SigningKey signer = test::SigningKey::fit_for(name);
    const auto keys = parse_jwks(test::jwks({signer.jwk(R"("kid":"1","alg":")" + name + '"')}), kAllAlgorithms);
    const std::string text = test::jwt(
        signer, name, R"({"exp":2000,"iat":900,"sub":"a\u0062","aud":["x","y"],"o":{"r":[1, 2]},"realm":{"roles":[]}})",
        "1");
    std::array<char, 16 * 1024> block;
    for (int i = 0; i < 3; ++i) {
      Arena arena;
      arena.adopt(block.data(), block.size());
      const std::size_t before = allocations;
      const auto token = parse_compact(text, arena);
      const bool verified = token && keys->verify(*token) != nullptr;
      const auto claims = parse_claims(token->payload, arena);
      const TimeFault fault = check_times(*claims, {.now_s = 1000, .max_age_s = 300});
      const auto audience = claims->text("aud", arena), object = claims->text("o", arena);
      const bool contains = claims->contains("aud", "y");
      const std::size_t after = allocations;
      EXPECT_TRUE(verified && contains && fault == TimeFault::none && audience == "x,y" && object == R"({"r":[1,2]})");
      // The first time a thread makes what it keeps for the key.
      if (i > 0) EXPECT_EQ(after, before) << name;
    }
  }
}

TEST(Allocation, what_is_refused_allocates_nothing_either) {
  std::array<char, 16 * 1024> block;
  for (const std::string_view text :
       {"a.b.c", "a.b.c.d.e", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"}) {
    Arena arena;
    arena.adopt(block.data(), block.size());
    const std::size_t before = allocations;
    const bool parsed = parse_compact(text, arena).has_value();
    EXPECT_EQ(allocations, before) << text;
    EXPECT_EQ(parsed, text.ends_with("AAAA")) << text;
  }
}

TEST(Allocation, kept_claims_are_one_piece_of_memory) {
  Arena arena;
  const auto view = parse_claims(R"({"exp":2000,"sub":"a\u0062","aud":["x","y"]})", arena);
  const std::size_t before = allocations;
  const Claims claims(*view);
  EXPECT_EQ(allocations - before, 1u);
  EXPECT_EQ(claims.find("sub").text(), "ab");
}

}  // namespace
}  // namespace gatehouse::jose
#endif
