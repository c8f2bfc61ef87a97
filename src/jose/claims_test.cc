#include "jose/claims.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gatehouse::jose {
namespace {

/// Claims of a text, as the cache keeps them: the text and the arena are gone.
Claims claims_of(std::string_view payload) {
  Arena arena;
  const std::string copy(payload);
  const auto view = parse_claims(copy, arena);
  EXPECT_TRUE(view) << payload;
  return Claims(view ? *view : ClaimsView());
}

std::string text_of(const ClaimsView& claims, std::string_view path) {
  Arena arena;
  const auto text = claims.text(path, arena);
  return text ? std::string(*text) : "none";
}

TEST(Claims, are_found_by_nested_names) {
  const Claims claims = claims_of(R"({"sub":"u1","realm_access":{"roles":["a","b"],"deep":{"er":7}}})");
  EXPECT_EQ(text_of(claims, "sub"), "u1");
  EXPECT_EQ(text_of(claims, "realm_access.roles"), "a,b");
  EXPECT_EQ(text_of(claims, "realm_access.deep.er"), "7");
  EXPECT_EQ(claims.find("realm_access").kind(), JsonKind::object);
  for (const std::string_view path : {"x", "sub.x", "realm_access.x", "realm_access.roles.0", "realm_access.", ".sub",
                                      "sub.", "", ".", "..", "realm_access..roles"}) {
    EXPECT_EQ(claims.find(path).kind(), JsonKind::none) << path;
    EXPECT_EQ(text_of(claims, path), "none") << path;
  }
}

TEST(Claims, take_a_name_with_dots_for_what_it_is_first) {
  const Claims claims = claims_of(
      R"({"a":{"b":{"c":"nested"},"b.c":"half"},"a.b":{"c":"first two"},"a.b.c":"all","https://x.example/roles":["r"],)"
      R"("https://x.example/app":{"name":"n"},"p":{"q.r":1}})");
  EXPECT_EQ(text_of(claims, "a.b.c"), "all");
  EXPECT_EQ(text_of(claims, "https://x.example/roles"), "r");
  EXPECT_EQ(text_of(claims, "https://x.example/app.name"), "n");
  EXPECT_EQ(text_of(claims, "p.q.r"), "1");
  EXPECT_EQ(text_of(claims_of(R"({"a":{"b":{"c":"nested"},"b.c":"half"},"a.b":{"c":"first two"}})"), "a.b.c"),
            "first two");
  EXPECT_EQ(text_of(claims_of(R"({"a":{"b":{"c":"nested"},"b.c":"half"},"a.b":{}})"), "a.b.c"), "half");
}

TEST(Claims, are_texts) {
  const Claims claims =
      claims_of(R"({"s":"a \"b\" \u20ac","i":10,"f":1.50,"t":true,"n":null,"e":"","l":["a,b",1,false,null],"empty":[],)"
                R"("mixed":[1, {"a": "x y"}],"o":{ "a b" : [ 1 ,	2 ], "q":"\" \\" },"lists":[[1]]})");
  EXPECT_EQ(text_of(claims, "s"), "a \"b\" \xe2\x82\xac");
  EXPECT_EQ(text_of(claims, "i"), "10");
  EXPECT_EQ(text_of(claims, "f"), "1.50");
  EXPECT_EQ(text_of(claims, "t"), "true");
  EXPECT_EQ(text_of(claims, "n"), "none");
  EXPECT_EQ(text_of(claims, "e"), "");
  EXPECT_EQ(text_of(claims, "l"), "a,b,1,false,null");
  EXPECT_EQ(text_of(claims, "empty"), "");
  EXPECT_EQ(text_of(claims, "mixed"), R"([1,{"a":"x y"}])");
  EXPECT_EQ(text_of(claims, "o"), R"({"a b":[1,2],"q":"\" \\"})");
  EXPECT_EQ(text_of(claims, "lists"), "[[1]]");
}

TEST(Claims, are_numbers_that_are_exact_or_absent) {
  const Claims claims = claims_of(
      R"({"i":1700000000,"neg":-5,"frac":1700000000.5,"exp":17e8,"max":9223372036854775807,"over":9223372036854775808,)"
      R"("min":-9223372036854775808,"big":1e308,"huge":1e309,"long":)" +
      std::string(400, '9') + R"(,"tiny":1e-400,"zero":-0,"s":"1","t":true,"n":null})");
  EXPECT_EQ(claims.number("i"), 1'700'000'000);
  EXPECT_EQ(claims.number("neg"), -5);
  EXPECT_EQ(claims.number("frac"), 1'700'000'000.5);
  EXPECT_EQ(claims.number("exp"), 1.7e9);
  EXPECT_EQ(claims.number("max"), 9223372036854775807.0);
  EXPECT_EQ(claims.number("min"), -9223372036854775808.0);
  EXPECT_EQ(claims.number("over"), 9223372036854775808.0);
  EXPECT_EQ(claims.number("big"), 1e308);
  EXPECT_EQ(claims.number("zero"), 0);
  for (const std::string_view name : {"huge", "long", "s", "t", "n", "none"}) EXPECT_FALSE(claims.number(name)) << name;
}

TEST(Claims, contain_a_string_or_one_of_a_list) {
  const Claims claims = claims_of(R"({"aud":"shop","list":["shop","other",3],"o":{"shop":1},"roles":{"x":["admin"]}})");
  EXPECT_TRUE(claims.contains("aud", "shop"));
  EXPECT_TRUE(claims.contains("list", "other"));
  EXPECT_TRUE(claims.contains("roles.x", "admin"));
  EXPECT_FALSE(claims.contains("aud", "sho"));
  EXPECT_FALSE(claims.contains("aud", "shop "));
  EXPECT_FALSE(claims.contains("aud", ""));
  EXPECT_FALSE(claims.contains("list", "3"));
  EXPECT_FALSE(claims.contains("list", "shop,other"));
  EXPECT_FALSE(claims.contains("o", "shop"));
  EXPECT_FALSE(claims.contains("none", ""));
}

TEST(Claims, are_one_sound_object) {
  Arena arena;
  for (const std::string_view payload : {"", "[]", "\"a\"", "1", "null", "{", R"({"a":1,"a":2})",
                                         R"({"a":{"b":1,"b":2}})", R"({"a":1}{})", "foo", "{\"a\":\"\xff\"}"}) {
    const auto claims = parse_claims(payload, arena);
    ASSERT_FALSE(claims) << payload;
    EXPECT_EQ(claims.error().reason, Reason::unauthenticated);
  }
  EXPECT_FALSE(parse_claims(R"({"a":)" + std::string(32, '[') + std::string(32, ']') + "}", arena));
  EXPECT_TRUE(parse_claims("{}", arena));
}

TEST(Claims, may_be_moved_and_count_their_memory) {
  Claims claims = claims_of(R"({"a":"\u0041","b":"x"})");
  const std::size_t memory = claims.memory();
  EXPECT_GE(memory, 22u);
  const Claims moved = std::move(claims);
  EXPECT_EQ(text_of(moved, "a"), "A");
  EXPECT_EQ(text_of(moved, "b"), "x");
  EXPECT_EQ(moved.memory(), memory);
}

TEST(Claims, of_nothing_are_empty) {
  const Claims none{ClaimsView()};
  EXPECT_EQ(none.find("a").kind(), JsonKind::none);
  EXPECT_FALSE(none.number("a"));
}

}  // namespace
}  // namespace gatehouse::jose
