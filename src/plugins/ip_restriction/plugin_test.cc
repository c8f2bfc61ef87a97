#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::ip_restriction {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

Verdict verdict(const plugin::Plugin& plugin, std::string_view client) {
  Request request;
  request.exchange.client_ip = *IpAddress::parse(client);
  return plugin.on_request(request.exchange);
}

TEST(IpRestriction, lets_only_the_allowed_pass) {
  const auto plugin = build(kType, "{allow: [10.0.0.0/8, \"2001:db8::/32\"]}");
  EXPECT_EQ(verdict(*plugin, "10.255.0.1"), Verdict::proceed);
  EXPECT_EQ(verdict(*plugin, "2001:db8::5"), Verdict::proceed);
  EXPECT_EQ(verdict(*plugin, "11.0.0.1"), Verdict::reply);
  EXPECT_EQ(verdict(*plugin, "2001:db9::5"), Verdict::reply);
}

TEST(IpRestriction, denies_even_what_is_allowed) {
  const auto plugin = build(kType, "{allow: 10.0.0.0/8, deny: 10.0.0.7}");
  EXPECT_EQ(verdict(*plugin, "10.0.0.6"), Verdict::proceed);
  EXPECT_EQ(verdict(*plugin, "10.0.0.7"), Verdict::reply);
}

TEST(IpRestriction, with_deny_alone_the_others_pass) {
  const auto plugin = build(kType, "{deny: [192.0.2.0/24]}");
  EXPECT_EQ(verdict(*plugin, "192.0.2.1"), Verdict::reply);
  EXPECT_EQ(verdict(*plugin, "::ffff:192.0.2.1"), Verdict::reply);
  EXPECT_EQ(verdict(*plugin, "192.0.3.1"), Verdict::proceed);
}

TEST(IpRestriction, refuses_with_403_or_as_told) {
  Request request;
  build(kType, "{deny: 0.0.0.0/0}")->on_request(request.exchange);
  EXPECT_EQ(request.exchange.response.status, 403);
  EXPECT_EQ(request.exchange.reason, Reason::forbidden);
  Request other;
  const auto plugin = build(kType, "{deny: 0.0.0.0/0, status: 404, message: \"nothing here\"}");
  plugin->on_request(other.exchange);
  EXPECT_EQ(other.exchange.response.status, 404);
  EXPECT_EQ(other.exchange.refusal_message(), "nothing here");
}

TEST(IpRestriction, fails_closed_where_no_address_is_known) {
  EXPECT_EQ(verdict(*build(kType, "{allow: \"::/0\"}"), "::"), Verdict::reply);
  EXPECT_EQ(verdict(*build(kType, "{deny: 192.0.2.1}"), "::"), Verdict::reply);
}

TEST(IpRestriction, refuses_lists_that_restrict_nothing_and_what_is_no_block) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("config: needs \"allow\" or \"deny\""));
  EXPECT_THAT(faults(kType, "{allow: []}"), HasSubstr("config.allow: must not be an empty list"));
  EXPECT_THAT(faults(kType, "{deny: [10.0.0.0/33, shop]}"), HasSubstr("config.deny[0]"));
  EXPECT_THAT(faults(kType, "{deny: [10.0.0.0/33, shop]}"), HasSubstr("config.deny[1]"));
  EXPECT_THAT(faults(kType, "{deny: 10.0.0.1, status: 200}"),
              HasSubstr("config.status: must be an integer between 400 and 599"));
}

}  // namespace
}  // namespace gatehouse::plugins::ip_restriction
