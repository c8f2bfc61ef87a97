#include "routing/pattern.h"

#include <gtest/gtest.h>

#include "routing/regex.h"

namespace gatehouse::routing {
namespace {

std::string problem(std::string_view pattern) {
  std::vector<std::string> names;
  return check_path(pattern, &names);
}

TEST(PathPatterns, good_ones_are_accepted_and_name_their_captures) {
  for (const char* pattern : {"/", "/*", "/users", "/users/", "/users/*", "/a%2Fb", "/caf%C3%A9", "/a-b_c.d~e"}) {
    std::vector<std::string> names;
    EXPECT_EQ(check_path(pattern, &names), "") << pattern;
    EXPECT_TRUE(names.empty()) << pattern;
  }
  std::vector<std::string> names;
  EXPECT_EQ(check_path("/a/{x}/{y_2}/*", &names), "");
  EXPECT_EQ(names, (std::vector<std::string>{"x", "y_2"}));
  EXPECT_EQ(check_path("~/r/(?P<year>[0-9]+)/(a|b)/(?P<m>.)", &names), "");
  EXPECT_EQ(names, (std::vector<std::string>{"year", "m"}));
  EXPECT_EQ(check_path("/a", nullptr), "");
}

TEST(PathPatterns, bad_ones_are_refused_with_the_reason) {
  EXPECT_EQ(problem("users"), "must start with \"/\", or with \"~\" for a regular expression");
  EXPECT_EQ(problem(""), "must start with \"/\", or with \"~\" for a regular expression");
  EXPECT_EQ(problem("/a/*/b"), "\"*\" can only be the last segment, as in /users/*");
  EXPECT_EQ(problem("/a*"), "\"*\" can only be the last segment, as in /users/*");
  EXPECT_EQ(problem("/a/{x}/{x}"), "captures \"x\" twice");
  EXPECT_EQ(problem("/a/{1x}"), "\"{1x}\": a capture's name is letters, digits and \"_\"");
  EXPECT_EQ(problem("/a/x{y}"), "\"x{y}\": a capture is one whole segment, such as /{id}/");
  EXPECT_EQ(problem("/a/{}"), "\"{}\": a capture is one whole segment, such as /{id}/");
  EXPECT_EQ(problem("/a//b"), "has an empty segment, but paths are matched after slashes are merged");
  EXPECT_EQ(problem("/a/../b"), "has a dot segment, but paths are matched after these are removed");
  EXPECT_EQ(problem("/a?x=1"), "\"?\" cannot be part of a path");
  EXPECT_EQ(problem("/%41"), "\"%41\" is decoded before paths are matched; write the character itself");
  EXPECT_EQ(problem("~/(a"), "missing ): /(a");
  EXPECT_EQ(problem("/caf\xc3\xa9"), "the byte 0xc3 cannot be part of a path; it is sent and matched as %C3");
  EXPECT_EQ(problem("/a b"), "the byte 0x20 cannot be part of a path; it is sent and matched as %20");
  EXPECT_EQ(problem("/a/%zz"), "\"%zz\" is no escape of two hexadecimal digits");
  EXPECT_EQ(problem("/a/%2"), "\"%2\" is no escape of two hexadecimal digits");
  EXPECT_EQ(problem("/a%2fb"), "\"%2f\" is matched with upper-case digits; write it so");
  for (const char* never : {"~", "~users/.*", "~ /a"}) {
    EXPECT_EQ(problem(never), "can never match: it must match the whole path, which starts with \"/\"") << never;
  }
  EXPECT_EQ(problem("~.*"), "");
  std::string many;
  for (int i = 0; i < 17; ++i) many += "/{c" + std::to_string(i) + "}";
  EXPECT_EQ(problem(many), "captures 17 names, at most 16 are possible");
  std::string deep;
  for (int i = 0; i < 257; ++i) deep += "/a";
  EXPECT_EQ(problem(deep), "has 257 segments, at most 256 are possible");
}

TEST(Regexes, a_pattern_that_needs_too_much_memory_is_refused) {
  EXPECT_NE(check_regex("((a{100}){100}){100}"), "");
  EXPECT_NE(check_regex("(\\pL{500}){2}"), "");
  EXPECT_EQ(check_regex("[a-z]{100}"), "");
  std::string groups;
  for (int i = 0; i < 65; ++i) groups += "(a)";
  EXPECT_EQ(check_regex(groups), "has 65 groups, at most 64 are possible");
}

TEST(Regexes, a_prefix_is_one_of_every_text_that_matches) {
  EXPECT_EQ(Regex("/reports/[0-9]+").prefix(), "/reports/");
  EXPECT_EQ(Regex("/a|/b").prefix(), "/");
  EXPECT_EQ(Regex("(?i)/a").prefix(), "/");
  EXPECT_EQ(Regex("/ab?").prefix(), "/a");
  EXPECT_EQ(Regex(".*x").prefix(), "");
}

TEST(PathPatterns, one_segment_after_another_decides_which_is_first) {
  const std::vector<std::string> sorted = {"/a",       "~/a",    "/a/b/*",   "/a/{x}/c", "/a/{x}/{y}", "/a/{x}",
                                           "/a/{x}/*", "/{x}/a", "/{x}/{y}", "/{x}/*",   "/*"};
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    EXPECT_LT(path_rank(parse_path(sorted[i - 1])), path_rank(parse_path(sorted[i])))
        << sorted[i - 1] << " " << sorted[i];
  }
  EXPECT_EQ(path_rank(parse_path("/a/*")), path_rank(parse_path("/b/*")));
}

}  // namespace
}  // namespace gatehouse::routing
