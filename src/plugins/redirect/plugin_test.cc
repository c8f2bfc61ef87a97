#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::redirect {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

std::string location(std::string_view config, std::string_view path = "/path", std::string_view query = "a=1") {
  Request request;
  request.exchange.request.path = path;
  request.query(query);
  const auto plugin = build(kType, config);
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  return std::string(request.exchange.response.fields.get(http::FieldId::location));
}

TEST(Redirect, sends_to_the_location_with_301) {
  const auto plugin = build(kType, "{location: \"https://shop.example.com/new\"}");
  Request request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 301);
  EXPECT_EQ(request.exchange.reply_body, "");
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre("Location: https://shop.example.com/new"));
}

TEST(Redirect, keeps_the_incoming_path_as_it_was_sent) {
  constexpr const char* kConfig = "{location: \"https://shop.example.com:8443/dropped?x#y\", keep_incoming_path: true}";
  EXPECT_EQ(location(kConfig), "https://shop.example.com:8443/path?a=1");
  EXPECT_EQ(location(kConfig, "/a%2Fb//c", ""), "https://shop.example.com:8443/a%2Fb//c");
  EXPECT_EQ(location("{location: \"https://shop.example.com\", keep_incoming_path: true}", "//evil.test"),
            "https://shop.example.com//evil.test?a=1");
}

TEST(Redirect, takes_a_path_of_the_gateways_own_host) {
  EXPECT_EQ(location("{location: /login, status_code: 303}"), "/login");
}

TEST(Redirect, refuses_statuses_that_are_no_redirects_and_places_that_are_no_urls) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("config: needs \"location\""));
  EXPECT_THAT(faults(kType, "{location: /x, status_code: 304}"),
              HasSubstr("config.status_code: must be 301, 302, 303, 307 or 308, got \"304\""));
  EXPECT_THAT(faults(kType, "{location: /x, status_code: 200}"), HasSubstr("config.status_code: must be"));
  EXPECT_THAT(faults(kType, "{location: /x, keep_incoming_path: true}"),
              HasSubstr("config.location: must be a URL with scheme and host"));
  EXPECT_THAT(faults(kType, "{location: \"https:///x\", keep_incoming_path: true}"),
              HasSubstr("config.location: must be a URL"));
  EXPECT_THAT(faults(kType, "{location: \"https://a/\\r\\nX: y\"}"), HasSubstr("config.location: must be a URL"));
  EXPECT_THAT(faults(kType, "{location: \"\"}"), HasSubstr("config.location: must not be empty"));
}

}  // namespace
}  // namespace gatehouse::plugins::redirect
