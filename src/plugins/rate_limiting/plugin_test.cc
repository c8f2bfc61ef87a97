#include "base/clock.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::rate_limiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

struct Answer {
  Verdict verdict = Verdict::proceed;
  int status = 0;
  std::map<std::string, std::string> fields;
};

/// One request of `client` through the hooks.
Answer ask(const plugin::Plugin& plugin, std::string_view client = "192.0.2.1", std::string_view account = "") {
  Request request;
  const std::string address(client);
  request.exchange.client_ip = *IpAddress::parse(address);
  request.exchange.client_ip_text = address;
  request.exchange.route = "r";
  if (!account.empty()) request.header("X-Account", account);
  Answer answer;
  answer.verdict = plugin.on_request(request.exchange);
  plugin.on_response(request.exchange);
  answer.status = request.exchange.replied ? request.exchange.response.status : 200;
  for (const http::Field& field : request.exchange.response.fields)
    answer.fields[std::string(field.name)] = std::string(field.value);
  return answer;
}

TEST(RateLimiting, refuses_what_is_beyond_the_limit_for_each_client) {
  const auto plugin = build(kType, "{year: 3}");
  for (int i = 2; i >= 0; --i) {
    const Answer answer = ask(*plugin);
    EXPECT_EQ(answer.verdict, Verdict::proceed);
    EXPECT_EQ(answer.fields.at("X-RateLimit-Limit-Year"), "3");
    EXPECT_EQ(answer.fields.at("X-RateLimit-Remaining-Year"), std::to_string(i));
    EXPECT_FALSE(answer.fields.contains("Retry-After"));
  }
  const Answer refused = ask(*plugin);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.fields.at("X-RateLimit-Remaining-Year"), "0");
  const std::int64_t now = wall_clock_us() / 1'000'000;
  EXPECT_NEAR(static_cast<double>(std::stoll(refused.fields.at("X-RateLimit-Reset"))),
              static_cast<double>(now + std::stoll(refused.fields.at("Retry-After"))), 2);
  EXPECT_EQ(ask(*plugin, "192.0.2.2").status, 200);
}

TEST(RateLimiting, a_refused_request_counts_in_no_window) {
  const auto plugin = build(kType, "{month: 2, year: 5}");
  for (int i = 0; i < 20; ++i) ask(*plugin);
  EXPECT_EQ(ask(*plugin).fields.at("X-RateLimit-Remaining-Year"), "3");
  EXPECT_EQ(ask(*plugin).fields.at("X-RateLimit-Remaining-Month"), "0");
}

TEST(RateLimiting, counts_for_whom_it_is_told) {
  const auto by_account = build(kType, "{year: 1, limit_by: header, header_name: X-Account}");
  EXPECT_EQ(ask(*by_account, "192.0.2.1", "a").status, 200);
  EXPECT_EQ(ask(*by_account, "192.0.2.2", "a").status, 429);
  EXPECT_EQ(ask(*by_account, "192.0.2.2", "b").status, 200);
  EXPECT_EQ(ask(*by_account, "192.0.2.1").status, 200) << "without an account by address";
  EXPECT_EQ(ask(*by_account, "192.0.2.1").status, 429);
  EXPECT_EQ(ask(*by_account, "192.0.2.9", "192.0.2.1").status, 200) << "an account that looks like an address";
  const auto both = build(kType, "{year: 1, limit_by: [ip, header], header_name: X-Account}");
  EXPECT_EQ(ask(*both, "192.0.2.1", "a").status, 200);
  EXPECT_EQ(ask(*both, "192.0.2.2", "a").status, 200);
  EXPECT_EQ(ask(*both, "192.0.2.1", "a").status, 429);
  const auto by_route = build(kType, "{year: 1, limit_by: route}");
  EXPECT_EQ(ask(*by_route, "192.0.2.1").status, 200);
  EXPECT_EQ(ask(*by_route, "192.0.2.2").status, 429);
}

TEST(RateLimiting, takes_a_block_of_addresses_for_one_client) {
  const auto plugin = build(kType, "{year: 1}");
  EXPECT_EQ(ask(*plugin, "2001:db8:0:1::1").status, 200);
  EXPECT_EQ(ask(*plugin, "2001:db8:0:1:ffff::2").status, 429);
  EXPECT_EQ(ask(*plugin, "2001:db8:0:2::1").status, 200);
  const auto blocks = build(kType, "{year: 1, ipv4_prefix: 24}");
  EXPECT_EQ(ask(*blocks, "192.0.2.1").status, 200);
  EXPECT_EQ(ask(*blocks, "192.0.2.200").status, 429);
  EXPECT_EQ(ask(*blocks, "192.0.3.1").status, 200);
}

TEST(RateLimiting, speaks_as_it_is_told) {
  const Answer draft = ask(*build(kType, "{hour: 100, year: 7, header_style: draft}"));
  EXPECT_EQ(draft.fields.at("RateLimit-Limit"), "7");
  EXPECT_EQ(draft.fields.at("RateLimit-Remaining"), "6");
  EXPECT_TRUE(draft.fields.contains("RateLimit-Reset"));
  EXPECT_TRUE(ask(*build(kType, "{year: 7, hide_client_headers: true}")).fields.empty());
  EXPECT_TRUE(ask(*build(kType, "{year: 7, header_style: none}")).fields.empty());
  EXPECT_EQ(ask(*build(kType, "{year: 7, headers: [X-RateLimit-Reset]}")).fields.size(), 1U);
  const auto soft = build(kType, "{year: 1, dry_run: true}");
  ask(*soft);
  EXPECT_EQ(ask(*soft).status, 200);
  const auto other = build(kType, "{year: 1, error_code: 503, error_message: come again}");
  ask(*other);
  EXPECT_EQ(ask(*other).status, 503);
}

TEST(RateLimiting, with_a_bucket_lets_a_burst_pass) {
  const auto plugin = build(kType, "{minute: 60, algorithm: token-bucket, burst: 3}");
  int passed = 0;
  for (int i = 0; i < 10; ++i) passed += ask(*plugin).status == 200;
  EXPECT_EQ(passed, 3);
  EXPECT_EQ(ask(*plugin).fields.at("Retry-After"), "1");
}

TEST(RateLimiting, keeps_its_counts_across_configurations_that_change_the_limit) {
  testing::FakeContext context;
  context.enter("route a /");
  ask(*build(kType, "{year: 3}", context));
  EXPECT_EQ(ask(*build(kType, "{year: 5}", context)).fields.at("X-RateLimit-Remaining-Year"), "3");
  context.enter("route b /");
  EXPECT_EQ(ask(*build(kType, "{year: 5}", context)).fields.at("X-RateLimit-Remaining-Year"), "4");
}

TEST(RateLimiting, refuses_configurations_that_mean_nothing) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("needs one of"));
  EXPECT_THAT(faults(kType, "{hour: 0}"), HasSubstr("config.hour"));
  EXPECT_THAT(faults(kType, "{hour: 1, limit_by: header}"), HasSubstr("needs \"header_name\""));
  EXPECT_THAT(faults(kType, "{hour: 1, burst: 3}"), HasSubstr("only algorithm: token-bucket"));
  EXPECT_THAT(faults(kType, "{hour: 1, policy: redis}"), HasSubstr("not supported yet"));
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
