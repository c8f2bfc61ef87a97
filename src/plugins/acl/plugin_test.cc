#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::acl {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

bool passes(const plugin::Plugin& plugin, std::vector<std::string> groups, std::string_view method = "GET") {
  plugin::Consumer consumer;
  consumer.groups = std::move(groups);
  Request request(method);
  request.exchange.consumer = &consumer;
  return plugin.on_request(request.exchange) == Verdict::proceed;
}

TEST(Acl, lets_only_the_groups_of_the_list_pass) {
  const auto plugin = build(kType, "{allow: [staff, admin]}");
  EXPECT_TRUE(passes(*plugin, {"x", "admin"}));
  EXPECT_FALSE(passes(*plugin, {"x"}));
  EXPECT_FALSE(passes(*plugin, {}));
}

TEST(Acl, refuses_the_groups_of_the_other_list) {
  const auto plugin = build(kType, "{deny: banned}");
  EXPECT_TRUE(passes(*plugin, {"x"}));
  EXPECT_TRUE(passes(*plugin, {}));
  EXPECT_FALSE(passes(*plugin, {"x", "banned"}));
}

TEST(Acl, lets_a_group_do_only_what_it_may) {
  const auto plugin = build(kType, "{allow: [staff, readers], methods: {readers: [GET]}}");
  EXPECT_TRUE(passes(*plugin, {"readers"}, "GET"));
  EXPECT_TRUE(passes(*plugin, {"readers"}, "HEAD"));
  EXPECT_FALSE(passes(*plugin, {"readers"}, "POST"));
  EXPECT_TRUE(passes(*plugin, {"readers", "staff"}, "POST"));
}

TEST(Acl, fails_closed_where_nobody_is_known) {
  for (const char* config : {"{allow: staff}", "{deny: banned}"}) {
    Request request;
    EXPECT_EQ(build(kType, config)->on_request(request.exchange), Verdict::reply) << config;
    EXPECT_EQ(request.exchange.reason, Reason::forbidden);
  }
}

TEST(Acl, needs_one_list) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("needs one of"));
  EXPECT_THAT(faults(kType, "{allow: a, deny: b}"), HasSubstr("needs one of"));
  EXPECT_THAT(faults(kType, "{allow: a, methods: {a: [a b]}}"), HasSubstr("a method"));
}

}  // namespace
}  // namespace gatehouse::plugins::acl
