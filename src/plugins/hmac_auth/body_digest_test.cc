#include "plugins/hmac_auth/body_digest.h"

#include <gtest/gtest.h>

namespace gatehouse::plugins::hmac_auth {
namespace {

// RFC 9530, appendix D: of {"hello": "world"} with a line's end.
constexpr std::string_view kBody = "{\"hello\": \"world\"}\n";
constexpr std::string_view k256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

TEST(ContentDigest, is_that_of_rfc_9530) {
  Arena arena;
  const auto digests = parse_content_digest(k256, arena);
  ASSERT_TRUE(digests);
  EXPECT_TRUE(are_of(*digests, kBody));
  EXPECT_FALSE(are_of(*digests, kBody.substr(1)));
  EXPECT_FALSE(are_of(*digests, ""));
}

TEST(ContentDigest, must_be_right_in_all_that_it_says) {
  Arena arena;
  const auto both = [&](std::string_view other) {
    return parse_content_digest(arena.concat(k256, ", ", other), arena);
  };
  EXPECT_TRUE(are_of(*both("md5=:AAAA:"), kBody)) << "what is not known does not count";
  EXPECT_FALSE(are_of(*both("sha-512=:AAAA:"), kBody));
  const std::string_view of_nothing =
      "sha-512=:z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==:";
  EXPECT_TRUE(are_of(*parse_content_digest(of_nothing, arena), ""));
  EXPECT_FALSE(are_of(*both(of_nothing), kBody));
}

TEST(ContentDigest, is_refused_where_it_says_nothing) {
  Arena arena;
  for (const char* text : {"", "md5=:AAAA:", "sha-256=::", "sha-256=()", "sha-256=abc",
                           "SHA-256=:AAAA:", "sha-256=:AAAA:,", "sha-256=:A:"})
    EXPECT_FALSE(parse_content_digest(text, arena)) << text;
}

TEST(KongDigest, is_read) {
  Arena arena;
  const auto digests = parse_kong_digest("SHA-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=", arena);
  ASSERT_TRUE(digests);
  EXPECT_TRUE(are_of(*digests, kBody));
  EXPECT_FALSE(are_of(*digests, ""));
  for (const char* text : {"", "SHA-256=", "SHA-512=AAAA", "SHA-256=A", "SHA-256=AAAA,"})
    EXPECT_FALSE(parse_kong_digest(text, arena)) << text;
}

}  // namespace
}  // namespace gatehouse::plugins::hmac_auth
