#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::hsts {

extern const plugin::PluginType kType;

namespace {

using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

std::string sent(std::string_view config, bool https = true) {
  Request request;
  request.exchange.https = https;
  request.exchange.response.fields.append("strict-transport-security", "max-age=1");
  const auto plugin = build(kType, config);
  plugin->on_response(request.exchange);
  return std::string(request.exchange.response.fields.get("Strict-Transport-Security"));
}

TEST(Hsts, says_for_how_long_and_for_whom) {
  EXPECT_EQ(sent("{}"), "max-age=31536000");
  EXPECT_EQ(sent("{max_age: 1d}"), "max-age=86400");
  EXPECT_EQ(sent("{include_subdomains: true, preload: true}"), "max-age=31536000; includeSubDomains; preload");
}

TEST(Hsts, says_nothing_without_tls) {
  EXPECT_EQ(sent("{}", false), "max-age=1") << "what the service says is the service's";
}

TEST(Hsts, asks_for_no_preload_that_would_be_refused) {
  EXPECT_THAT(faults(kType, "{preload: true}"), HasSubstr("needs \"include_subdomains\""));
  EXPECT_THAT(faults(kType, "{preload: true, include_subdomains: true, max_age: 1d}"), HasSubstr("a year"));
}

}  // namespace
}  // namespace gatehouse::plugins::hsts
