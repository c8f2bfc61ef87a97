#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::mirror {

extern const plugin::PluginType kType;

namespace {

using plugin::Direction;
using plugin::Verdict;
using testing::build;
using ::testing::ElementsAre;
using testing::FakeContext;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

void pass(const plugin::Plugin& plugin, Request& request, std::string_view bytes, bool last) {
  plugin.on_body(request.exchange, {Direction::request, bytes, last, nullptr});
}

TEST(Mirror, sends_a_copy_of_a_request_without_a_body_at_once) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow}", context);
  EXPECT_THAT(context.services, ElementsAre("shadow"));
  Request request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
  EXPECT_THAT(context.caller->sent, ElementsAre("GET /path "));
  EXPECT_FALSE(request.exchange.observes(Direction::request));
}

TEST(Mirror, sends_a_body_once_it_is_whole) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow}", context);
  Request request("POST");
  request.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  plugin->on_request(request.exchange);
  EXPECT_TRUE(request.exchange.observes(Direction::request));
  pass(*plugin, request, "one ", false);
  pass(*plugin, request, "two ", false);
  EXPECT_THAT(context.caller->sent, ElementsAre());
  pass(*plugin, request, "three", true);
  EXPECT_THAT(context.caller->sent, ElementsAre("POST /path one two three"));
}

TEST(Mirror, sends_a_body_of_one_part_and_an_empty_one) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow}", context);
  Request whole("PUT");
  whole.body(3);
  plugin->on_request(whole.exchange);
  pass(*plugin, whole, "abc", true);
  Request empty("PUT");
  empty.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  plugin->on_request(empty.exchange);
  pass(*plugin, empty, "", true);
  EXPECT_THAT(context.caller->sent, ElementsAre("PUT /path abc", "PUT /path "));
}

TEST(Mirror, copies_a_body_that_comes_in_many_small_parts) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow}", context);
  for (const bool declared : {true, false}) {
    Request request("POST");
    if (declared) request.body(5000);
    if (!declared) request.exchange.request.framing = {http::Framing::Kind::chunked, 0};
    plugin->on_request(request.exchange);
    for (int i = 0; i < 5000; ++i) pass(*plugin, request, "x", i == 4999);
  }
  EXPECT_THAT(context.caller->sent,
              ElementsAre("POST /path " + std::string(5000, 'x'), "POST /path " + std::string(5000, 'x')));
}

TEST(Mirror, gives_a_copy_up_above_its_limit_and_never_the_request) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow, max_body: 4}", context);
  Request declared("POST");
  declared.body(5);
  EXPECT_EQ(plugin->on_request(declared.exchange), Verdict::proceed);
  EXPECT_FALSE(declared.exchange.observes(Direction::request));
  Request chunked("POST");
  chunked.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  EXPECT_EQ(plugin->on_request(chunked.exchange), Verdict::proceed);
  pass(*plugin, chunked, "123", false);
  pass(*plugin, chunked, "45", false);
  pass(*plugin, chunked, "", true);
  EXPECT_THAT(context.caller->sent, ElementsAre());
  EXPECT_FALSE(chunked.exchange.replied);
}

TEST(Mirror, takes_a_body_of_exactly_its_limit) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow, max_body: 4}", context);
  Request request("POST");
  request.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  plugin->on_request(request.exchange);
  pass(*plugin, request, "12", false);
  pass(*plugin, request, "34", false);
  pass(*plugin, request, "", true);
  EXPECT_THAT(context.caller->sent, ElementsAre("POST /path 1234"));
}

TEST(Mirror, leaves_answers_that_the_gateway_makes_alone) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow}", context);
  Request request;
  request.exchange.reply(200, "fixed", "text/plain");
  plugin->on_request(request.exchange);
  EXPECT_THAT(context.caller->sent, ElementsAre());
}

TEST(Mirror, is_not_disturbed_by_bodies_of_others) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow, percent: 0}", context);
  Request request("POST");
  request.body(3);
  plugin->on_request(request.exchange);
  pass(*plugin, request, "abc", true);  // another plugin asked for it
  plugin->on_body(request.exchange, {Direction::response, "answer", true, nullptr});
  EXPECT_THAT(context.caller->sent, ElementsAre());
}

TEST(Mirror, copies_about_as_many_as_it_should) {
  FakeContext context;
  const auto plugin = build(kType, "{service: shadow, percent: 25%}", context);
  for (int i = 0; i < 10000; ++i) {
    Request request;
    plugin->on_request(request.exchange);
  }
  // 2500 with a standard deviation of 43: ten of them are never met.
  EXPECT_NEAR(static_cast<double>(context.caller->sent.size()), 2500, 430);
}

TEST(Mirror, runs_behind_every_other_plugin) {
  EXPECT_LT(kType.info().rank, -1000);
}

TEST(Mirror, names_its_service_for_the_loader) {
  config::Diagnostics out;
  const config::Node node = testing::parse("{service: shadow}", out);
  const auto found = kType.info().references(&node);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "shadow");
}

TEST(Mirror, refuses_a_missing_service_and_odd_shares) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("config: needs \"service\""));
  EXPECT_THAT(faults(kType, "{service: shadow, percent: 101}"), HasSubstr("config.percent: must be"));
  EXPECT_THAT(faults(kType, "{service: shadow, max_body: off}"), HasSubstr("config.max_body: must be"));
}

}  // namespace
}  // namespace gatehouse::plugins::mirror
