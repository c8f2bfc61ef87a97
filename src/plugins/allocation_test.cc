
#include "base/block_pool.h"
#include "base/testing/counted_new.h"
#include "plugins/registry.h"
#include "plugins/testing/consumers.h"

// Counts what the hooks allocate besides the arena.
#ifndef GATEHOUSE_SANITIZED

namespace gatehouse::plugins {
namespace {

using counted_new::allocations;

const plugin::PluginType& type_of(std::string_view name) {
  const auto found = std::ranges::find(all(), name, [](const auto* type) { return type->name; });
  EXPECT_NE(found, all().end()) << name;
  return **found;
}

/// One request through all hooks; a POST with a body in two parts.
void pass(const plugin::PluginType& type, const plugin::Plugin& plugin) {
  testing::Request request("POST");
  request.query("a=1&old=2&b");
  request.header("Origin", "https://a.shop.test");
  request.header("X-Old", "1");
  request.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  if (type.hooks.request) plugin.on_request(request.exchange);
  if (type.hooks.body) plugin.on_body(request.exchange, {plugin::Direction::request, "first", false, nullptr});
  if (type.hooks.body) plugin.on_body(request.exchange, {plugin::Direction::request, "second", true, nullptr});
  request.exchange.response.fields.append(std::string_view("Vary"), "Accept");
  if (type.hooks.response) plugin.on_response(request.exchange);
  if (type.hooks.complete) plugin.on_complete(request.exchange);
}

struct Case {
  const char* plugin;
  const char* config;
};
class Allocations : public ::testing::TestWithParam<Case> {};

TEST_P(Allocations, are_made_in_the_arena_only) {
  /// Sends nothing: what a copy costs is the engine's.
  class Nobody : public plugin::HttpCaller {
    bool send_copy(const plugin::Exchange&, std::string_view) const override { return false; }
  };
  class Context : public testing::FakeContext {
    std::shared_ptr<const plugin::HttpCaller> http(std::string_view) override { return std::make_shared<Nobody>(); }
  } context;
  const plugin::PluginType& type = type_of(GetParam().plugin);
  const auto plugin = testing::build(type, GetParam().config, context);
  for (int i = 0; i < 10; ++i) pass(type, *plugin);  // fills the pool's free lists
  const std::size_t before = allocations;
  ASSERT_GT(before, 0u);  // building counts
  for (int i = 0; i < 100; ++i) pass(type, *plugin);
  EXPECT_EQ(allocations, before);
}

constexpr Case kCases[] = {
    {"acl", "{allow: a, methods: {a: [GET]}}"},
    {"bot-detection", "{allow: [good], deny: [bad]}"},
    {"basic-auth", "{realm: shop}"},
    {"correlation-id", "{}"},
    {"correlation-id", "{generator: \"uuid#counter\"}"},
    {"correlation-id", "{generator: tracker}"},
    {"cors", "{}"},
    {"cors", "{origins: [\"https://shop.test\", \"https://*.shop.test\"], credentials: true, exposed_headers: [X-A]}"},
    {"hmac-auth", "{}"},
    {"hmac-auth", "{scheme: kong}"},
    {"hsts", "{include_subdomains: true}"},
    {"ip-restriction", "{deny: [192.0.2.0/24]}"},
    {"jwt", "{uri_param_names: [a]}"},
    {"jwt-claims", "{claims: a, header_names: X-A}"},
    {"key-auth", "{key_names: a, key_in_header: false, key_in_query: true}"},
    {"mirror", "{service: shadow}"},
    {"mtls-auth", "{}"},
    {"rate-limiting", "{second: 5, hour: 1000000, limit_by: [ip, path]}"},
    {"rate-limiting", "{minute: 5, algorithm: token-bucket, header_style: draft}"},
    {"rate-limiting",
     "{second: 5, algorithm: leaky-bucket, burst: 9, connections: 3, limit_by: [consumer, claim, header],"
     " claim: sub, header_name: X-Old, costs: [{methods: POST, cost: 2}], cost_header: X-Cost}"},
    {"rate-limiting",
     "{hour: 50, algorithm: sliding-window, tiers: {a: {hour: 9}}, count_statuses: [200],"
     " exempt: {ips: 10.0.0.0/8}}"},
    {"redirect", "{location: \"https://shop.test\", keep_incoming_path: true}"},
    {"request-size-limiting", "{require_content_length: true}"},
    {"request-termination", "{}"},
    {"request-termination", "{echo: true}"},
    {"request-transformer",
     "{remove: {querystring: [a]}, rename: {headers: [\"X-Old:X-New\"], querystring: [\"old:new\"]}, "
     "set: {headers: {X-A: b}, querystring: {c: d}}, append: {headers: {X-A: c}}}"},
    {"response-ratelimiting", "{limits: {video: {hour: 5}, sms: {day: 9}}}"},
    {"response-transformer", "{rename: {headers: [\"Vary:X-Vary\"]}, add: {headers: {X-A: b}}}"},
};
INSTANTIATE_TEST_SUITE_P(Plugins, Allocations, ::testing::ValuesIn(kCases));

TEST(AllocationCases, what_is_remembered_of_a_redis_costs_none) {
  using plugin::Verdict;
  // Of "iss":"shop","sub":"ada", without an end.
  constexpr std::string_view kToken =
      "Bearer "
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
      "eyJpc3MiOiJzaG9wIiwic3ViIjoiYWRhIiwidXNlcl9pZCI6NDIsInJvbGVzIjpbImFkbWluIiwidXNlciJdLCJwZXJtaXNzaW9ucyI6eyJvcmRl"
      "cnMiOlsicmVhZCJdfSwiZW1haWwiOiJhZGFAc2hvcC50ZXN0In0.fGyjVpffLvyx3ALQ61tvqo9veRIib5BU-higCyJLBdQ";
  struct Remembering {
    const char *plugin, *config, *consumers;
    std::string_view header, value;
    std::vector<RedisReply> answer;
  };
  const RedisReply nil, zero{.kind = RedisReply::Kind::integer};
  const RedisReply eve{.kind = RedisReply::Kind::string, .text = "eve"};
  const Remembering cases[] = {
      {"key-auth", "{redis: true}", "[]", "X-API-Key", "secret", {eve, nil, nil, nil, nil, nil, nil, nil}},
      {"jwt",
       "{revoked_in_redis: true, cache_duration: 1h}",
       "[{username: shop, credentials: [{type: jwt, key: shop, secret: a-secret-of-at-least-thirty-two-bytes}]}]",
       "Authorization",
       kToken,
       {zero, nil}}};
  for (const Remembering& each : cases) {
    testing::FakeContext context;
    context.fake_redis = std::make_shared<testing::FakeRedis>();
    context.fake_redis->answer = [&](const auto&) {
      return RedisReply{.kind = RedisReply::Kind::array,
                        .first = each.answer.data(),
                        .count = static_cast<std::uint32_t>(each.answer.size())};
    };
    const plugin::PluginType& type = type_of(each.plugin);
    context.begin(testing::consumers(type, each.consumers));
    const auto plugin = testing::build(type, each.config, context);
    const auto pass_once = [&] {
      testing::Request request;
      request.header(each.header, each.value);
      Verdict verdict = plugin->on_request(request.exchange);
      if (verdict == Verdict::suspend) {
        Task<Verdict> task = plugin->on_request_async(request.exchange);
        task.start();
        verdict = task.result();
      }
      EXPECT_EQ(verdict, Verdict::proceed) << each.plugin << ": " << request.exchange.refusal_message();
    };
    for (int i = 0; i < 10; ++i) pass_once();
    EXPECT_EQ(context.fake_redis->asked.size(), 1u) << each.plugin;
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i) pass_once();
    EXPECT_EQ(allocations, before) << each.plugin;
  }
}

TEST(AllocationCases, name_every_plugin) {
  for (const plugin::PluginType* type : all()) {
    EXPECT_TRUE(std::ranges::any_of(kCases, [&](const Case& each) { return type->name == each.plugin; })) << type->name;
  }
}

}  // namespace
}  // namespace gatehouse::plugins
#endif
