#include "jose/json.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::jose {
namespace {

/// "" or why the text is refused.
std::string fault_of(std::string_view text, JsonLimits limits = {}) {
  Arena arena;
  const auto document = parse_json(text, arena, limits);
  return document ? "" : document.error();
}

/// The characters of a text that is one JSON string.
std::string string_of(std::string_view json) {
  Arena arena;
  const auto document = parse_json(json, arena);
  if (!document) return std::string("refused: ") + document.error();
  return std::string(document->root().text());
}

TEST(Json, gives_values_by_name_and_in_order) {
  Arena arena;
  const auto document =
      parse_json(R"( {"a": {"b": [1, "two", {"c": null}], "d": true}, "e": -1.5e3, "": "none", "f": []} )", arena);
  ASSERT_TRUE(document);
  const JsonValue root = document->root();
  EXPECT_TRUE(root.is(JsonKind::object));
  EXPECT_EQ(root.member("e").text(), "-1.5e3");
  EXPECT_EQ(root.member("").text(), "none");
  EXPECT_EQ(root.member("a").member("d").text(), "true");
  EXPECT_EQ(root.member("a").text(), R"({"b": [1, "two", {"c": null}], "d": true})");
  EXPECT_EQ(root.member("f").begin(), root.member("f").end());
  std::string items;
  for (const JsonValue item : root.member("a").member("b")) items += std::string(item.text()) + ";";
  EXPECT_EQ(items, R"(1;two;{"c": null};)");
  std::string names;
  for (const JsonValue member : root) names += std::string(member.name()) + ";";
  EXPECT_EQ(names, "a;e;;f;");
}

TEST(Json, what_is_missing_has_no_members_either) {
  Arena arena;
  const auto document = parse_json(R"({"a":1})", arena);
  const JsonValue missing = document->root().member("x");
  EXPECT_FALSE(missing);
  EXPECT_EQ(missing.kind(), JsonKind::none);
  EXPECT_EQ(missing.text(), "");
  EXPECT_FALSE(missing.member("y"));
  EXPECT_FALSE(document->root().member("a").member("y"));
  EXPECT_EQ(missing.begin(), missing.end());
}

TEST(Json, decodes_escapes) {
  EXPECT_EQ(string_of(R"("a\"\\\/\b\f\n\r\tz")"), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(string_of(R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(string_of(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(string_of("\"\xc3\xa9\xf0\x9f\x98\x80\""), "\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(Json, names_with_escapes_are_names_as_decoded) {
  Arena arena;
  const auto document = parse_json(R"({"\u0061lg":"x"})", arena);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().member("alg").text(), "x");
}

TEST(Json, refuses_what_is_not_json) {
  for (const std::string_view text : {"",           " ",           "{",           "}",
                                      "[",          "[1",          "[1,",         "[1,]",
                                      "[,1]",       "[1 2]",       "{\"a\"}",     "{\"a\":}",
                                      "{\"a\":1,}", "{a:1}",       "{'a':1}",     "{\"a\":1 \"b\":2}",
                                      "{\"a\":1;}", "tru",         "nul",         "True",
                                      "NaN",        "Infinity",    "-",           "01",
                                      "-01",        "1.",          ".5",          "1e",
                                      "1e+",        "+1",          "0x10",        "1_000",
                                      "\"",         "\"a",         "\"\\",        "\"\\x\"",
                                      "\"\\u12\"",  "\"\\u12g4\"", "\"\\U0041\"", "\"a\nb\"",
                                      "\"a\tb\"",   "// c\n1",     "1/**/",       "\xef\xbb\xbf{}",
                                      "{1:2}",      "[}",          "{]"}) {
    EXPECT_NE(fault_of(text), "") << text;
  }
  EXPECT_EQ(fault_of("{} {}"), "something follows the JSON value");
  EXPECT_EQ(fault_of("{}x"), "something follows the JSON value");
  EXPECT_EQ(fault_of(std::string_view("{}\0", 3)), "something follows the JSON value");
}

TEST(Json, refuses_each_truncation_of_a_text) {
  const std::string_view whole = R"({"a":[1.5e1,"\u00e9",true,null,{"b":"\\"}]})";
  ASSERT_EQ(fault_of(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(fault_of(whole.substr(0, size)), "") << size;
}

TEST(Json, refuses_what_is_not_utf8) {
  for (const std::string_view bytes : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xe0\x9f\xbf",
                                       "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xf0\x9f\x98"}) {
    EXPECT_EQ(fault_of("\"" + std::string(bytes) + "\""), "the text is not UTF-8") << bytes;
  }
  EXPECT_NE(fault_of("\"\xf0\x9f\x98"), "");
}

TEST(Json, refuses_half_a_surrogate_pair) {
  for (const std::string_view text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")",
                                      R"("\ud83d\u0041")", R"("\ud83d\ud83d")", R"("\ude00\ud83d")"}) {
    EXPECT_EQ(fault_of(text), "a string has half of a surrogate pair") << text;
  }
}

TEST(Json, refuses_a_name_that_stands_twice) {
  constexpr std::string_view kTwice = "an object has a name twice";
  EXPECT_EQ(fault_of(R"({"a":1,"a":1})"), kTwice);
  EXPECT_EQ(fault_of(R"({"a":1,"b":{},"\u0061":2})"), kTwice);
  EXPECT_EQ(fault_of(R"({"x":[{"a":[1,2],"b":1,"a":{}}]})"), kTwice);
  EXPECT_EQ(fault_of(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"), "");
  std::string many = "{";
  for (int i = 0; i < 500; ++i) many += "\"name" + std::to_string(i) + "\":[" + std::to_string(i) + "],";
  EXPECT_EQ(fault_of(many + "\"name500\":0}"), "");
  EXPECT_EQ(fault_of(many + "\"name0\":0}"), kTwice);
  EXPECT_EQ(fault_of(many + "\"name499\":0}"), kTwice);
}

TEST(Json, bounds_depth_and_values) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(fault_of(nested(32)), "");
  EXPECT_EQ(fault_of(nested(33)), "the JSON is nested too deeply");
  EXPECT_EQ(fault_of(nested(1'000'000)), "the JSON is nested too deeply");
  EXPECT_EQ(fault_of("[1,2,3]", {.values = 4}), "");
  EXPECT_EQ(fault_of("[1,2,3,4]", {.values = 4}), "the JSON has too many values");
  EXPECT_EQ(fault_of("1", {.depth = 0, .values = 1}), "");
  EXPECT_EQ(fault_of("{}", {.depth = 0}), "the JSON is nested too deeply");
}

}  // namespace
}  // namespace gatehouse::jose
