#include "plugins/cors/origins.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::cors {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Request;

/// The fields that an answer has got.
std::vector<std::string> decorated(std::string_view config, std::string_view origin,
                                   std::vector<std::pair<std::string_view, std::string_view>> from_service = {}) {
  Request request;
  if (!origin.empty()) request.header("Origin", origin);
  for (const auto& [name, value] : from_service) request.exchange.response.fields.append(name, value);
  const auto plugin = build(kType, config);
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
  EXPECT_EQ(plugin->on_response(request.exchange), Verdict::proceed);
  return testing::lines(request.exchange.response.fields);
}

struct Preflight : Request {
  explicit Preflight(std::string_view origin = "https://shop.test") : Request("OPTIONS") {
    header("Origin", origin);
    header("Access-Control-Request-Method", "PUT");
    exchange.method = "PUT";
    exchange.preflight = true;
  }
};

TEST(Cors, allows_everyone_by_default_and_needs_no_vary) {
  EXPECT_THAT(decorated("", "https://a.test"), ElementsAre("Access-Control-Allow-Origin: *"));
  EXPECT_THAT(decorated("", ""), ElementsAre("Access-Control-Allow-Origin: *"));
}

TEST(Cors, may_leave_requests_without_origin_as_they_are) {
  EXPECT_THAT(decorated("{allow_origin_absent: false}", ""), ElementsAre("Vary: Origin"));
  EXPECT_THAT(decorated("{allow_origin_absent: false}", "https://a.test"),
              ElementsAre("Vary: Origin", "Access-Control-Allow-Origin: *"));
}

TEST(Cors, allows_a_named_origin_and_says_that_the_answer_depends_on_it) {
  constexpr const char* kConfig = "{origins: [\"https://shop.test\", \"http://localhost:3000\"]}";
  EXPECT_THAT(decorated(kConfig, "https://shop.test"),
              ElementsAre("Vary: Origin", "Access-Control-Allow-Origin: https://shop.test"));
  EXPECT_THAT(decorated(kConfig, "https://evil.test"), ElementsAre("Vary: Origin"));
  EXPECT_THAT(decorated(kConfig, ""), ElementsAre("Vary: Origin"));
}

TEST(Cors, extends_a_vary_that_is_there) {
  constexpr const char* kConfig = "{origins: \"https://shop.test\"}";
  EXPECT_THAT(decorated(kConfig, "", {{"Vary", "Accept"}}), ElementsAre("Vary: Accept, Origin"));
  EXPECT_THAT(decorated(kConfig, "", {{"Vary", "Accept, origin"}}), ElementsAre("Vary: Accept, origin"));
  EXPECT_THAT(decorated(kConfig, "", {{"Vary", "*"}}), ElementsAre("Vary: *"));
  EXPECT_THAT(decorated(kConfig, "", {{"Vary", "Accept"}, {"Vary", "Origin"}}),
              ElementsAre("Vary: Accept", "Vary: Origin"));
}

TEST(Cors, never_sends_a_star_with_credentials) {
  EXPECT_THAT(decorated("{origins: [\"https://shop.test\"], credentials: true}", "https://shop.test"),
              ElementsAre("Vary: Origin", "Access-Control-Allow-Origin: https://shop.test",
                          "Access-Control-Allow-Credentials: true"));
  Request request;
  request.header("Origin", "https://any.test");
  config::Diagnostics out;
  const config::Node node = testing::parse("{credentials: true}", out);
  testing::FakeContext context;
  const auto plugin = kType.make(&node, context);
  plugin->on_response(request.exchange);
  EXPECT_THAT(testing::lines(request.exchange.response.fields),
              ElementsAre("Vary: Origin", "Access-Control-Allow-Origin: https://any.test",
                          "Access-Control-Allow-Credentials: true"));
  Request without;
  plugin->on_response(without.exchange);
  EXPECT_THAT(testing::lines(without.exchange.response.fields), ElementsAre("Vary: Origin"));
}

TEST(Cors, stands_in_for_what_the_service_says) {
  constexpr const char* kConfig = "{origins: [\"https://shop.test\"], exposed_headers: [X-Total, X-Page]}";
  EXPECT_THAT(decorated(kConfig, "https://shop.test",
                        {{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Allow-Credentials", "true"}}),
              ElementsAre("Access-Control-Allow-Origin: https://shop.test", "Vary: Origin",
                          "Access-Control-Expose-Headers: X-Total,X-Page"));
  EXPECT_THAT(
      decorated(kConfig, "https://evil.test",
                {{"Access-Control-Allow-Origin", "https://evil.test"}, {"Access-Control-Allow-Credentials", "true"}}),
      ElementsAre("Vary: Origin"));
}

TEST(Cors, answers_a_preflight_without_the_service) {
  const auto plugin = build(
      kType,
      "{origins: [\"https://shop.test\"], methods: [get, PUT], headers: [X-A, X-B], credentials: true, max_age: 1h}");
  Preflight request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 200);
  EXPECT_EQ(plugin->on_response(request.exchange), Verdict::proceed);
  EXPECT_THAT(testing::lines(request.exchange.response.fields),
              ElementsAre("Vary: Origin", "Access-Control-Allow-Origin: https://shop.test",
                          "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Methods: GET,PUT",
                          "Access-Control-Allow-Headers: X-A,X-B", "Access-Control-Max-Age: 3600"));
}

TEST(Cors, allows_the_headers_that_a_preflight_asks_for_where_none_are_named) {
  const auto plugin = build(kType, "");
  Preflight request;
  request.header("Access-Control-Request-Headers", "x-one, x-two");
  plugin->on_request(request.exchange);
  EXPECT_THAT(testing::lines(request.exchange.response.fields),
              ElementsAre("Access-Control-Allow-Origin: *",
                          "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS",
                          "Access-Control-Allow-Headers: x-one, x-two", "Vary: Access-Control-Request-Headers"));
}

TEST(Cors, tells_a_stranger_nothing_in_a_preflight) {
  const auto plugin = build(kType, "{origins: [\"https://shop.test\"]}");
  Preflight request("https://evil.test");
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre("Vary: Origin"));
}

TEST(Cors, allows_a_private_network_where_asked_and_configured) {
  for (const bool configured : {true, false}) {
    const auto plugin = build(kType, configured ? "{private_network: true}" : "{}");
    Preflight request;
    request.header("Access-Control-Request-Private-Network", "true");
    plugin->on_request(request.exchange);
    EXPECT_EQ(request.exchange.response.fields.get("Access-Control-Allow-Private-Network"), configured ? "true" : "");
  }
}

TEST(Cors, leaves_preflights_to_the_service_if_told_so) {
  const auto plugin = build(kType, "{preflight_continue: true}");
  Preflight request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
  request.exchange.response.fields.append(std::string_view("Access-Control-Allow-Origin"), "https://own.test");
  plugin->on_response(request.exchange);
  EXPECT_THAT(testing::lines(request.exchange.response.fields),
              ElementsAre("Access-Control-Allow-Origin: https://own.test"));
}

TEST(Cors, takes_a_plain_options_request_for_a_request) {
  Request request("OPTIONS");
  request.header("Origin", "https://shop.test");
  EXPECT_EQ(build(kType, "")->on_request(request.exchange), Verdict::proceed);
}

TEST(Cors, decorates_refusals) {
  const auto plugin = build(kType, "{origins: [\"https://shop.test\"]}");
  Request request;
  request.header("Origin", "https://shop.test");
  request.exchange.refuse(Reason::unauthenticated);
  plugin->on_response(request.exchange);
  EXPECT_EQ(request.exchange.response.fields.get("Access-Control-Allow-Origin"), "https://shop.test");
}

bool allows(std::string entry, std::string_view origin) {
  EXPECT_EQ(check_origin(entry), "");
  return OriginList({std::move(entry)}).matches(origin);
}

TEST(Origins, exact_ones_are_compared_without_case_and_default_port) {
  EXPECT_TRUE(allows("https://Shop.test:443", "https://shop.test"));
  EXPECT_TRUE(allows("http://[::1]:3000", "http://[::1]:3000"));
  EXPECT_TRUE(allows("null", "null"));
  EXPECT_FALSE(allows("https://shop.test", "http://shop.test"));
  EXPECT_FALSE(allows("https://shop.test", "https://shop.test:8443"));
  EXPECT_FALSE(allows("https://shop.test", "https://shop.test.evil.test"));
  EXPECT_FALSE(allows("https://shop.test", ""));
}

TEST(Origins, a_wildcard_is_one_or_more_labels) {
  EXPECT_TRUE(allows("https://*.shop.test", "https://a.shop.test"));
  EXPECT_TRUE(allows("https://*.shop.test", "https://A.b.shop.test"));
  EXPECT_TRUE(allows("http://*.shop.test:8080", "http://a.shop.test:8080"));
  EXPECT_FALSE(allows("https://*.shop.test", "https://shop.test"));
  EXPECT_FALSE(allows("https://*.shop.test", "https://.shop.test"));
  EXPECT_FALSE(allows("https://*.shop.test", "https://evilshop.test"));
  EXPECT_FALSE(allows("https://*.shop.test", "https://evil.test/.shop.test"));
  EXPECT_FALSE(allows("https://*.shop.test", "https://a.shop.test:8443"));
}

TEST(Origins, a_regex_must_match_the_whole_origin) {
  EXPECT_TRUE(allows("~https://[a-z]+\\.shop\\.test", "https://a.shop.test"));
  EXPECT_TRUE(allows("https://(a|b)\\.shop\\.test", "https://b.shop.test"));
  EXPECT_FALSE(allows("~https://[a-z]+\\.shop\\.test", "https://a.shop.test.evil.test"));
  EXPECT_FALSE(allows("~shop", "https://shop.test"));
}

TEST(Cors, refuses_what_is_no_origin) {
  EXPECT_THAT(faults(kType, "{origins: [\"https://shop.test/\"]}"), HasSubstr("config.origins[0]: must be an origin"));
  EXPECT_THAT(faults(kType, "{origins: [shop.test]}"), HasSubstr("config.origins[0]: must be an origin"));
  EXPECT_THAT(faults(kType, "{origins: [\"https://shop.test:port\"]}"), HasSubstr("must be an origin"));
  EXPECT_THAT(faults(kType, "{origins: [\"~(\"]}"), HasSubstr("or a regex (missing )"));
  EXPECT_THAT(faults(kType, "{origins: [\"~\"]}"), HasSubstr("must have a regex"));
  EXPECT_THAT(faults(kType, "{origins: []}"), HasSubstr("config.origins: must not be an empty list"));
  EXPECT_THAT(faults(kType, "{methods: [\"a b\"]}"), HasSubstr("config.methods[0]: must be a method"));
  EXPECT_THAT(faults(kType, "{headers: [\"a:b\"]}"), HasSubstr("config.headers[0]: must be a header name"));
}

TEST(Cors, refuses_stars_that_would_be_no_wildcards_and_warns_of_open_doors) {
  EXPECT_THAT(faults(kType, "{origins: [\"https://a.test\"], credentials: true, headers: \"*\"}"),
              HasSubstr("\"*\" in \"headers\""));
  EXPECT_THAT(faults(kType, "{credentials: true}"), HasSubstr("name the origins"));
  EXPECT_THAT(faults(kType, "{headers: \"*\"}"), IsEmpty());
}

}  // namespace
}  // namespace gatehouse::plugins::cors
