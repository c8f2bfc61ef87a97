#include "routing/conditions.h"

#include <gtest/gtest.h>

#include "routing/query.h"
#include "routing/slow_model_test.h"

namespace gatehouse::routing {
namespace {

using Kind = config::ValueMatch::Kind;

/// What explain says of one route without host and path.
std::string failure(const config::Route& route, const test::Ask& ask) {
  config::Model model;
  model.listeners.resize(2);
  model.listeners[0].name = "public";
  model.listeners[1].name = "secure";
  Arena arena;
  const test::AskRequest request(ask, arena);
  const Conditions conditions(model, route);
  const std::string text = conditions.failure(request, {"public", "secure"});
  const Request& view = request;
  EXPECT_EQ(text.empty(), conditions.method_matches(view) && conditions.matches(view)) << text;
  return text;
}

config::Route with_header(config::ValueMatch match) {
  config::Route route;
  route.headers = {{"x-v", std::move(match), {}}};
  return route;
}

config::Route with_query(config::ValueMatch match) {
  config::Route route;
  route.query = {{"q", std::move(match), {}}};
  return route;
}

TEST(Conditions, each_failure_says_what_was_and_what_was_wanted) {
  const test::Ask plain{.path = "/", .query = "q=a+b", .headers = {{"X-V", "v1"}}};
  EXPECT_EQ(failure(with_header({Kind::one_of, {"v2"}, ""}), plain), "header X-V: \"v1\" is not \"v2\"");
  EXPECT_EQ(failure(with_header({Kind::one_of, {"v2", "v3"}, ""}), plain),
            "header X-V: \"v1\" is not one of \"v2\", \"v3\"");
  EXPECT_EQ(failure(with_header({Kind::regex, {}, "w.*"}), plain), "header X-V: \"v1\" does not match w.*");
  EXPECT_EQ(failure(with_header({Kind::absent, {}, ""}), plain), "header X-V: is present");
  EXPECT_EQ(failure(with_header({Kind::present, {}, ""}), {.path = "/"}), "header x-v: is absent");
  EXPECT_EQ(failure(with_query({Kind::one_of, {"c"}, ""}), plain), "query q: \"a b\" is not \"c\"");
  EXPECT_EQ(failure(with_query({Kind::absent, {}, ""}), plain), "query q: is present");
  EXPECT_EQ(failure(with_query({Kind::one_of, {"c"}, ""}), {.path = "/"}), "query q: is absent");

  config::Route route;
  route.methods = {"POST", "PURGE"};
  EXPECT_EQ(failure(route, plain), "method: GET is not one of POST, PURGE");
  EXPECT_EQ(failure(route, {.path = "/", .method = "FOO"}), "method: FOO is not one of POST, PURGE");
  EXPECT_EQ(failure(route, {.path = "/", .method = "PURGE"}), "");
  route = {};
  route.scheme = config::SchemeMatch::https;
  EXPECT_EQ(failure(route, plain), "scheme: http is not https");
  route = {};
  route.listeners = {"secure"};
  EXPECT_EQ(failure(route, plain), "listener: public is not one of secure");
  route = {};
  route.clients = {*Cidr::parse("10.0.0.0/8"), *Cidr::parse("::1")};
  EXPECT_EQ(failure(route, plain), "client: 192.0.2.1 is not in 10.0.0.0/8, ::1/128");
}

TEST(Conditions, any_line_of_a_repeated_header_is_enough) {
  const test::Ask ask{.path = "/", .headers = {{"X-V", "1"}, {"x-v", "2"}}};
  EXPECT_EQ(failure(with_header({Kind::one_of, {"2"}, ""}), ask), "");
  EXPECT_EQ(failure(with_header({Kind::regex, {}, "2"}), ask), "");
  EXPECT_NE(failure(with_header({Kind::one_of, {"1, 2"}, ""}), ask), "");
}

TEST(Conditions, a_removed_header_line_is_not_there) {
  Arena arena;
  http::Fields fields(arena);
  fields.append("X-V", "1");
  fields.remove("x-v");
  ValueTest present;
  present.name = "x-v";
  present.kind = Kind::present;
  EXPECT_FALSE(header_matches(present, &fields));
  EXPECT_FALSE(header_matches(present, nullptr));
}

TEST(Query, names_and_values_are_decoded_for_comparison) {
  EXPECT_TRUE(decodes_to("a%20b+c", "a b c"));
  EXPECT_TRUE(decodes_to("%zz%4", "%zz%4"));
  EXPECT_TRUE(decodes_to("", ""));
  EXPECT_FALSE(decodes_to("abc", "ab"));
  EXPECT_FALSE(decodes_to("ab", "abc"));
  EXPECT_FALSE(decodes_to("%61%62", "abc"));
  EXPECT_EQ(decode_value("%C3%A9+%2B%"), "\xc3\xa9 +%");
  const auto values = [](std::string_view query) {
    std::string all;
    any_parameter(query, "k y", [&](std::string_view raw) {
      all += "[" + std::string(raw) + "]";
      return false;
    });
    return all;
  };
  EXPECT_EQ(values("k+y=1&x=2&k%20y&&k+y==3&k+yy=4"), "[1][][=3]");
  EXPECT_EQ(values(""), "");
}

}  // namespace
}  // namespace gatehouse::routing
