#include <gtest/gtest.h>

#include "routing/router.h"

namespace gatehouse::routing {
namespace {

Captures captures(std::initializer_list<std::string_view> values) {
  Captures result;
  for (const std::string_view value : values) result.values[result.count++] = value;
  return result;
}

std::string replaced(std::string regex, std::string replace, std::string_view path) {
  Arena arena;
  config::Rewrite rewrite;
  rewrite.regex = std::move(regex);
  rewrite.replace = std::move(replace);
  EXPECT_EQ(check_rewrite(rewrite, {}), "");
  return std::string(compile_rewrite(rewrite, {})->apply(path, {}, arena));
}

TEST(Templates, literals_and_captures_are_joined) {
  Arena arena;
  const Template location("https://x/{id}/y{{z}{name}", {"name", "id"});
  EXPECT_EQ(location.apply(captures({"ada", "7"}), arena), "https://x/7/y{z}ada");
  EXPECT_EQ(Template("", {}).apply({}, arena), "");
  EXPECT_EQ(Template("{a}{a}", {"a"}).apply(captures({"xy"}), arena), "xyxy");
}

TEST(Templates, unknown_captures_and_open_braces_are_refused) {
  EXPECT_EQ(Template::check("/{id}/{{x}", {"id"}), "");
  EXPECT_EQ(Template::check("/{ID}", {"id"}), "{ID} is not a capture of the path");
  EXPECT_EQ(Template::check("/{id", {"id"}), "has \"{\" without \"}\"; a literal brace is written \"{{\"");
  EXPECT_EQ(Template::check("/${{ $path.id }}", {"id"}), "expressions (${{ … }}) are not supported yet");
}

TEST(Rewrites, a_path_is_a_template_of_captures) {
  Arena arena;
  config::Rewrite rewrite;
  rewrite.path = "/v2/reports/{year}";
  EXPECT_EQ(compile_rewrite(rewrite, {"year"})->apply("/reports/2024", captures({"2024"}), arena), "/v2/reports/2024");
  EXPECT_EQ(compile_rewrite({}, {}), nullptr);
}

TEST(Rewrites, every_match_of_the_regex_is_replaced) {
  EXPECT_EQ(replaced("/old/", "/new/", "/old/a/old/b"), "/new/a/new/b");
  EXPECT_EQ(replaced("^/api/v([0-9]+)/(.*)$", "/\\2/\\1", "/api/v3/users"), "/users/3");
  EXPECT_EQ(replaced("x", "y", "/a"), "/a");
  EXPECT_EQ(replaced("a*", "-", "/baac"), "/-/-b-c-");
  EXPECT_EQ(replaced("(b)?c", "[\\1\\0]", "/c/bc"), "/[c]/[bbc]");
  EXPECT_EQ(replaced("\\.html$", "", "/page.html"), "/page");
}

TEST(Rewrites, the_result_always_starts_with_a_slash) {
  EXPECT_EQ(replaced("^/api", "", "/api/users"), "/users");
  EXPECT_EQ(replaced("^/api/", "", "/api/users"), "/users");
  EXPECT_EQ(replaced("^/api/?", "", "/api"), "/");
}

TEST(Rewrites, what_cannot_be_compiled_is_refused) {
  config::Rewrite rewrite;
  rewrite.path = "v2";
  EXPECT_EQ(check_rewrite(rewrite, {}), "must start with \"/\"");
  rewrite.path = "/{x}";
  EXPECT_EQ(check_rewrite(rewrite, {}), "{x} is not a capture of the path");
  rewrite = {};
  rewrite.regex = "(";
  EXPECT_NE(check_rewrite(rewrite, {}), "");
  rewrite.regex = "(a)";
  rewrite.replace = "\\2";
  EXPECT_NE(check_rewrite(rewrite, {}), "");
}

}  // namespace
}  // namespace gatehouse::routing
