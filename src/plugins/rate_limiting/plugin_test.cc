#include "base/clock.h"
#include "base/scheduler.h"
#include "plugin/claims.h"
#include "plugin/consumer.h"
#include "plugins/rate_limiting/limiter.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::rate_limiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using ::testing::Not;
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

TEST(RateLimiting, a_refused_request_counts_where_it_is_to) {
  for (const char* const algorithm : {"fixed-window", "sliding-window"}) {
    const auto plugin =
        build(kType, "{month: 2, year: 5, count_rejected: true, algorithm: " + std::string(algorithm) + "}");
    EXPECT_EQ(ask(*plugin).fields.at("X-RateLimit-Remaining-Year"), "4");
    ask(*plugin);
    const Answer refused = ask(*plugin);
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.fields.at("X-RateLimit-Remaining-Year"), "2") << "the refused one is in it";
    for (int i = 0; i < 5; ++i) ask(*plugin);
    EXPECT_EQ(ask(*plugin).fields.at("X-RateLimit-Remaining-Year"), "0");
  }
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
  const auto blocks = build(kType, "{year: 1, ip_prefix: {ipv4: 24}}");
  EXPECT_EQ(ask(*blocks, "192.0.2.1").status, 200);
  EXPECT_EQ(ask(*blocks, "192.0.2.200").status, 429);
  EXPECT_EQ(ask(*blocks, "192.0.3.1").status, 200);
}

TEST(RateLimiting, speaks_as_it_is_told) {
  const Answer draft = ask(*build(kType, "{hour: 7, year: 100, header_style: draft}"));
  EXPECT_EQ(draft.fields.at("RateLimit-Limit"), "7");
  EXPECT_EQ(draft.fields.at("RateLimit-Remaining"), "6");
  EXPECT_TRUE(draft.fields.contains("RateLimit-Reset"));
  EXPECT_TRUE(ask(*build(kType, "{year: 7, hide_client_headers: true}")).fields.empty());
  EXPECT_TRUE(ask(*build(kType, "{year: 7, header_style: none}")).fields.empty());
  EXPECT_EQ(ask(*build(kType, "{year: 7, headers: [X-RateLimit-Reset]}")).fields.size(), 1U);
  const auto other = build(kType, "{year: 1, error_code: 503, error_message: come again}");
  ask(*other);
  EXPECT_EQ(ask(*other).status, 503);
}

TEST(RateLimiting, in_a_dry_run_refuses_nobody_and_tells_nobody) {
  const auto plugin = build(kType, "{year: 1, connections: 1, dry_run: true}");
  for (int i = 0; i < 5; ++i) {
    const Answer answer = ask(*plugin);
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.fields.empty());
  }
}

TEST(RateLimiting, counts_whom_a_dry_run_would_have_refused) {
  testing::FakeContext context;
  const auto plugin = build(kType, "{year: 2, connections: 3, dry_run: true}", context);
  std::vector<std::unique_ptr<Request>> under_way;
  for (int i = 0; i < 5; ++i) plugin->on_request(under_way.emplace_back(std::make_unique<Request>())->exchange);
  const auto refusals = [&](const std::string& by) {
    return context.counters.at("gatehouse_ratelimit_dry_run_refusals_total{by=" + by + "}")->value();
  };
  EXPECT_EQ(refusals("limits"), 3U);
  EXPECT_EQ(refusals("connections"), 2U);
}

/// A request of a consumer with a credential.
struct Caller {
  Caller(std::string username, std::string tier) {
    consumer.id = "id-of-" + username;
    consumer.username = std::move(username);
    consumer.tier = std::move(tier);
    consumer.groups = {"staff"};
    credential.consumer = &consumer;
    credential.id = "key-of-" + consumer.username;
  }
  Answer ask(const plugin::Plugin& plugin, std::string_view route = "r") const {
    Request request;
    plugin::Exchange& x = request.exchange;
    x.route = route;
    x.consumer = &consumer;
    x.credential = &credential;
    x.credential_id = credential.id;
    Answer answer;
    answer.verdict = plugin.on_request(x);
    plugin.on_response(x);
    answer.status = x.replied ? x.response.status : 200;
    for (const http::Field& field : x.response.fields)
      answer.fields[std::string(field.name)] = std::string(field.value);
    return answer;
  }
  int passed(const plugin::Plugin& plugin, int times) const {
    int passed = 0;
    for (int i = 0; i < times; ++i) passed += ask(plugin).status == 200;
    return passed;
  }
  plugin::Consumer consumer;
  plugin::Credential credential;
};

TEST(RateLimiting, counts_by_consumer_and_by_credential) {
  const Caller ada("ada", ""), bob("bob", "");
  Caller ada_elsewhere = ada;
  ada_elsewhere.credential.id = "another";
  const auto by_consumer = build(kType, "{year: 2}");
  EXPECT_EQ(ada.passed(*by_consumer, 1), 1);
  EXPECT_EQ(ada_elsewhere.passed(*by_consumer, 3), 1);
  EXPECT_EQ(bob.passed(*by_consumer, 3), 2);
  const auto by_credential = build(kType, "{year: 2, limit_by: credential}");
  EXPECT_EQ(ada.passed(*by_credential, 3), 2);
  EXPECT_EQ(ada_elsewhere.passed(*by_credential, 3), 2);
  Caller password = ada, secret = ada;
  password.credential.type = "basic-auth";
  secret.credential.type = "hmac-auth";
  EXPECT_EQ(password.passed(*by_credential, 3), 2);
  EXPECT_EQ(secret.passed(*by_credential, 3), 2) << "another credential, though it is called the same";
}

/// {"sub": …}
class FakeClaims : public plugin::Claims {
 public:
  explicit FakeClaims(std::string subject) : subject_(std::move(subject)) {}
  std::optional<std::string_view> text(std::string_view path, Arena&) const override {
    return path == "sub" ? std::optional<std::string_view>(subject_) : std::nullopt;
  }

 private:
  std::string subject_;
};

TEST(RateLimiting, counts_by_a_claim_and_finds_a_tier_in_it) {
  const auto status = [](const plugin::Plugin& plugin, std::string subject) {
    const FakeClaims claims(std::move(subject));
    Request request;
    request.exchange.claims = &claims;
    plugin.on_request(request.exchange);
    return request.exchange.replied ? request.exchange.response.status : 200;
  };
  const auto by_claim = build(kType, "{year: 1, limit_by: claim, claim: sub}");
  EXPECT_EQ(status(*by_claim, "a"), 200);
  EXPECT_EQ(status(*by_claim, "a"), 429);
  EXPECT_EQ(status(*by_claim, "b"), 200);
  EXPECT_EQ(status(*by_claim, ""), 200) << "by address";
  const auto by_tier = build(kType, "{year: 1, tier_by: claim, tier_claim: sub, tiers: {gold: {year: 3}, free: {}}}");
  EXPECT_EQ(status(*by_tier, "silver"), 200);
  EXPECT_EQ(status(*by_tier, "silver"), 429);
  EXPECT_EQ(status(*by_tier, "gold"), 200) << "the same address, and of three one is taken";
  EXPECT_EQ(status(*by_tier, "gold"), 200);
  EXPECT_EQ(status(*by_tier, "gold"), 429);
  EXPECT_EQ(status(*by_tier, "free"), 200) << "a tier without limits";
}

TEST(RateLimiting, has_limits_by_tier) {
  const auto plugin = build(kType, "{year: 1, tiers: {gold: {month: 2, year: 3}}}");
  Caller gold("gold", "gold"), none("none", "none"), upgraded("upgraded", "");
  upgraded.credential.tier = "gold";
  EXPECT_EQ(gold.passed(*plugin, 9), 2);
  EXPECT_EQ(none.passed(*plugin, 9), 1);
  EXPECT_EQ(upgraded.passed(*plugin, 9), 2) << "its credential's tier goes before";
  EXPECT_EQ(none.passed(*build(kType, "{tiers: {gold: {year: 2}}}"), 99), 99) << "no limits but the tiers'";
}

TEST(TierLimits, hold_for_a_consumer_wherever_it_is_known) {
  testing::FakeContext context;
  context.enter("tiers /(tiers)");
  const auto plugin = build(kType, "{tiers: {free: {year: 2}, unlimited: {}}}", context);
  const Caller ada("ada", "free"), bob("bob", "free"), eve("eve", "unlimited"), nobody("nobody", "");
  EXPECT_EQ(ada.ask(*plugin, "a").status, 200);
  EXPECT_EQ(ada.ask(*plugin, "b").status, 200);
  EXPECT_EQ(ada.ask(*plugin, "c").status, 429);
  EXPECT_EQ(bob.passed(*plugin, 9), 2);
  EXPECT_EQ(eve.passed(*plugin, 99), 99);
  EXPECT_EQ(nobody.passed(*plugin, 99), 99);
  Request stranger;
  EXPECT_EQ(plugin->on_request(stranger.exchange), Verdict::proceed);
}

TEST(TierLimits, give_way_to_a_credentials_own) {
  testing::FakeContext context;
  context.enter("tiers /(tiers)");
  const auto plugin = build(kType, "{tiers: {free: {year: 2}}}", context);
  Caller one("ada", "free"), two("ada", "free");
  one.credential.rate_limit = Rate{5, Period::year};
  two.credential.id = "second";
  EXPECT_EQ(one.passed(*plugin, 9), 5);
  EXPECT_EQ(two.passed(*plugin, 9), 2);
  EXPECT_EQ(one.ask(*plugin).fields.at("X-RateLimit-Limit-Year"), "5");
}

TEST(RateLimiting, lets_the_exempt_pass) {
  const Caller ada("ada", "");
  EXPECT_EQ(ada.passed(*build(kType, "{year: 1, exempt: {consumers: ada}}"), 9), 9);
  EXPECT_EQ(ada.passed(*build(kType, "{year: 1, exempt: {consumers: id-of-ada}}"), 9), 9);
  EXPECT_EQ(ada.passed(*build(kType, "{year: 1, exempt: {groups: [staff]}}"), 9), 9);
  EXPECT_EQ(ada.passed(*build(kType, "{year: 1, exempt: {ips: 192.0.2.0/24}}"), 9), 9);
  const auto others = build(kType, "{year: 1, exempt: {consumers: bob, groups: guests, ips: 192.0.2.8}}");
  EXPECT_EQ(ada.passed(*others, 9), 1);
  EXPECT_TRUE(ada.ask(*build(kType, "{year: 1, exempt: {consumers: ada}}")).fields.empty());
}

TEST(RateLimiting, weighs_requests_by_their_method) {
  const auto plugin = build(kType,
                            "{year: 10, cost: 2, costs: [{methods: [POST, PUT], cost: 5}, "
                            "{methods: OPTIONS, cost: 0}]}");
  const auto left = [&](std::string_view method) {
    Request request(method);
    plugin->on_request(request.exchange);
    plugin->on_response(request.exchange);
    return std::string(request.exchange.response.fields.get("X-RateLimit-Remaining-Year")) +
           (request.exchange.replied ? " refused" : "");
  };
  EXPECT_EQ(left("GET"), "8");
  EXPECT_EQ(left("POST"), "3");
  EXPECT_EQ(left("PUT"), "3 refused");
  EXPECT_EQ(left("OPTIONS"), "3");
  EXPECT_EQ(left("GET"), "1");
  EXPECT_EQ(left("GET"), "1 refused");
}

TEST(RateLimiting, weighs_requests_by_their_route_within_one_count) {
  const auto plugin =
      build(kType,
            "{year: 20, costs: [{routes: [search], methods: POST, cost: 7}, {routes: [search, r], cost: 5}, "
            "{methods: GET, cost: 2}]}");
  const auto left = [&](const char* method, const char* route) {
    Request request(method);
    request.exchange.route = route;
    plugin->on_request(request.exchange);
    plugin->on_response(request.exchange);
    return std::string(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"));
  };
  EXPECT_EQ(left("POST", "search"), "13");
  EXPECT_EQ(left("HEAD", "search"), "8");
  EXPECT_EQ(left("HEAD", "other"), "6");
  EXPECT_EQ(left("POST", "other"), "5");
}

TEST(RateLimiting, weighs_a_head_request_as_the_get_that_it_is) {
  const auto left_by_head = [](std::string_view costs) {
    Request request("HEAD");
    const auto plugin = build(kType, "{year: 10, costs: [" + std::string(costs) + "]}");
    plugin->on_request(request.exchange);
    plugin->on_response(request.exchange);
    return std::string(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"));
  };
  EXPECT_EQ(left_by_head("{methods: GET, cost: 3}"), "7");
  EXPECT_EQ(left_by_head("{methods: head, cost: 0}, {methods: GET, cost: 3}"), "10");
}

TEST(RateLimiting, adds_what_the_answer_says_it_took) {
  const auto plugin = build(kType, "{year: 10, cost_header: X-Cost}");
  const auto left = [&](std::string_view cost) {
    Request request;
    if (plugin->on_request(request.exchange) == Verdict::reply) return std::string("refused");
    request.exchange.response.fields.append(std::string_view("X-Cost"), cost);
    plugin->on_response(request.exchange);
    EXPECT_FALSE(request.exchange.response.fields.has("X-Cost"));
    return std::string(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"));
  };
  EXPECT_EQ(left("3"), "6");
  EXPECT_EQ(left("-3"), "5");
  EXPECT_EQ(left("2 apples"), "4");
  EXPECT_EQ(left("0"), "3");
  EXPECT_EQ(left("100"), "0");
  EXPECT_EQ(left("0"), "refused");
}

TEST(RateLimiting, adds_what_no_number_of_a_limit_holds_as_the_most_that_may_be_taken) {
  for (const char* cost : {"99999999999999999999", "9999999999"}) {
    const auto plugin = build(kType, "{year: 10, cost_header: X-Cost}");
    Request request;
    plugin->on_request(request.exchange);
    request.exchange.response.fields.append(std::string_view("X-Cost"), cost);
    plugin->on_response(request.exchange);
    EXPECT_EQ(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"), "0") << cost;
  }
}

TEST(RateLimiting, adds_all_lines_of_a_cost_header) {
  const auto plugin = build(kType, "{year: 10, cost_header: X-Cost}");
  Request request;
  plugin->on_request(request.exchange);
  for (const std::string_view cost : {"3", "x", "2"}) request.exchange.response.fields.append("X-Cost", cost);
  plugin->on_response(request.exchange);
  EXPECT_EQ(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"), "4");
  EXPECT_FALSE(request.exchange.response.fields.has("X-Cost"));
}

TEST(RateLimiting, shows_no_client_what_an_answer_costs) {
  for (const char* config :
       {"{year: 9, cost_header: X-Cost, exempt: {ips: 192.0.2.1}}", "{tiers: {gold: {year: 9}}, cost_header: X-Cost}",
        "{year: 1, cost: 1, cost_header: X-Cost}"}) {
    const auto plugin = build(kType, config);
    Request request;
    request.exchange.client_ip = *IpAddress::parse("192.0.2.1");
    ASSERT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
    request.exchange.response.fields.append(std::string_view("X-Cost"), "3");
    plugin->on_response(request.exchange);
    EXPECT_FALSE(request.exchange.response.fields.has("X-Cost")) << config;
  }
}

TEST(RateLimiting, reads_all_lines_of_the_header_that_it_limits_by) {
  const auto plugin = build(kType, "{year: 1, limit_by: header, header_name: X-Account}");
  const auto passes = [&](const std::vector<std::string>& lines) {
    Request request;
    for (const std::string& line : lines) request.exchange.request.fields.append(std::string_view("X-Account"), line);
    return plugin->on_request(request.exchange) == Verdict::proceed;
  };
  EXPECT_TRUE(passes({"a", "b"}));
  EXPECT_FALSE(passes({"a", "b"}));
  EXPECT_FALSE(passes({"a, b"})) << "two lines are one list";
  EXPECT_TRUE(passes({"a", "c"}));
  EXPECT_TRUE(passes({"a"}));
}

TEST(RateLimiting, counts_only_what_is_answered_as_told) {
  const auto plugin = build(kType, "{year: 2, count_statuses: [401, 403]}");
  const auto answer = [&](int status) {
    Request request;
    if (plugin->on_request(request.exchange) == Verdict::reply) return std::string("refused");
    request.exchange.response.status = status;
    plugin->on_response(request.exchange);
    return std::string(request.exchange.response.fields.get("X-RateLimit-Remaining-Year"));
  };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(200), "2");
  EXPECT_EQ(answer(401), "1");
  EXPECT_EQ(answer(200), "1");
  EXPECT_EQ(answer(403), "0");
  EXPECT_EQ(answer(200), "refused");
}

TEST(RateLimiting, lets_so_many_be_under_way) {
  const auto plugin = build(kType, "{connections: 2}");
  auto first = std::make_unique<Request>(), second = std::make_unique<Request>();
  EXPECT_EQ(plugin->on_request(first->exchange), Verdict::proceed);
  EXPECT_EQ(plugin->on_request(second->exchange), Verdict::proceed);
  EXPECT_EQ(ask(*plugin, "192.0.2.7").status, 429);
  EXPECT_EQ(ask(*plugin, "192.0.2.8").status, 200) << "of somebody else";
  first.reset();
  EXPECT_EQ(ask(*plugin, "192.0.2.7").status, 200);
  EXPECT_EQ(ask(*plugin, "192.0.2.7").status, 200);
}

TEST(RateLimiting, keeps_no_place_for_what_its_windows_refuse) {
  const auto plugin = build(kType, "{connections: 1, year: 1}");
  auto first = std::make_unique<Request>();
  EXPECT_EQ(plugin->on_request(first->exchange), Verdict::proceed);
  first.reset();
  auto refused = std::make_unique<Request>();
  EXPECT_EQ(plugin->on_request(refused->exchange), Verdict::reply);
  EXPECT_TRUE(refused->exchange.response.fields.get("X-RateLimit-Remaining-Year").empty());
  plugin->on_response(refused->exchange);
  EXPECT_EQ(refused->exchange.response.fields.get("X-RateLimit-Remaining-Year"), "0") << "the window's refusal";
  Request other;
  plugin->on_request(other.exchange);
  plugin->on_response(other.exchange);
  EXPECT_EQ(other.exchange.response.fields.get("X-RateLimit-Remaining-Year"), "0") << "and not for the place";
}

TEST(RateLimiting, tells_the_narrowest_of_several_limiters) {
  testing::FakeContext context;
  context.enter("a");
  const auto wide = build(kType, "{day: 50, year: 100}", context);
  context.enter("b");
  const auto narrow = build(kType, "{year: 3}", context);
  for (const auto& [first, second] : {std::pair(wide, narrow), std::pair(narrow, wide)}) {
    Request request;
    first->on_request(request.exchange);
    second->on_request(request.exchange);
    first->on_response(request.exchange);
    second->on_response(request.exchange);
    const http::Fields& fields = request.exchange.response.fields;
    EXPECT_EQ(fields.get("X-RateLimit-Limit-Year"), "3");
    EXPECT_EQ(fields.get("X-RateLimit-Limit-Day"), "50");
    EXPECT_EQ(window_of(Period::year, wall_clock_us()).end / 1'000'000,
              std::stoll(std::string(fields.get("X-RateLimit-Reset"))));
  }
}

TEST(RateLimiting, holds_requests_of_a_leaky_bucket_until_their_turn) {
  Scheduler scheduler{TimePoint(std::chrono::seconds(5))};
  Scope scope(scheduler);
  const auto plugin = build(kType, "{minute: 1, algorithm: leaky-bucket, burst: 2}");  // nginx: 16 thousandths a second
  Request first, second, third, fourth;
  for (Request* each : {&first, &second, &third, &fourth}) each->exchange.scope = &scope;
  EXPECT_EQ(plugin->on_request(first.exchange), Verdict::proceed);
  EXPECT_EQ(plugin->on_request(second.exchange), Verdict::suspend);
  EXPECT_EQ(plugin->on_request(third.exchange), Verdict::suspend);
  EXPECT_EQ(plugin->on_request(fourth.exchange), Verdict::reply);
  Task<Verdict> waiting = plugin->on_request_async(second.exchange);
  Task<Verdict> leaving = plugin->on_request_async(third.exchange);
  waiting.start();
  leaving.start();
  scheduler.advance(scheduler.now() + std::chrono::seconds(50));
  scheduler.run_ready();
  EXPECT_FALSE(waiting.done());
  scheduler.advance(scheduler.now() + std::chrono::seconds(13));
  scheduler.run_ready();
  ASSERT_TRUE(waiting.done()) << "1000 / 16 seconds are over";
  EXPECT_EQ(waiting.result(), Verdict::proceed);
  EXPECT_FALSE(leaving.done());
  scope.cancel(Reason::client_closed);
  scheduler.run_ready();
  ASSERT_TRUE(leaving.done());
  EXPECT_EQ(leaving.result(), Verdict::reply);
  EXPECT_EQ(third.exchange.reason, Reason::client_closed);
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
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("config: needs one of"));
  EXPECT_THAT(faults(kType, "{hour: 0}"), HasSubstr("config.hour"));
  EXPECT_THAT(faults(kType, "{hour: 1, limit_by: header}"), HasSubstr("needs \"header_name\""));
  EXPECT_THAT(faults(kType, "{hour: 1, identifier: claim}"), HasSubstr("needs \"claim\""));
  EXPECT_THAT(faults(kType, "{hour: 1, burst: 3}"),
              HasSubstr("t.yaml:1:18: config.burst: needs algorithm: token-bucket"));
  EXPECT_THAT(faults(kType, "{hour: 1, delay: 3}"), HasSubstr("config.delay: needs algorithm: leaky-bucket"));
  EXPECT_THAT(faults(kType, "{hour: 1, nodelay: true}"), HasSubstr("config.nodelay: needs algorithm: leaky-bucket"));
  EXPECT_EQ(faults(kType, "{hour: 9, policy: redis, sync_rate: 0.5, fault_tolerant: false, namespace: a}"), "");
  EXPECT_EQ(faults(kType, "{hour: 9, policy: redis, sync_rate: -1}"), "");
  for (const char* rate : {"0", "-2", "0.01", "-0.5", "soon"})
    EXPECT_THAT(faults(kType, "{hour: 9, policy: redis, sync_rate: " + std::string(rate) + "}"),
                HasSubstr("config.sync_rate: "));
  EXPECT_THAT(faults(kType, "{hour: 9, policy: redis, redis: {host: a}}"),
              HasSubstr("config.redis: does not stand here"));
  EXPECT_THAT(faults(kType, "{hour: 9, policy: redis, namespace: \"a{b}\"}"), HasSubstr("config.namespace: "));
  EXPECT_THAT(faults(kType, "{hour: 9, tier_by: claim, tiers: {a: {hour: 1}}}"), Not(HasSubstr("tier_by")));
  EXPECT_THAT(faults(kType, "{tier_by: claim, tiers: {a: {hour: 1}}}"), HasSubstr("config.tier_by: needs limits"));
  EXPECT_THAT(faults(kType, "{hour: 9, error_code: 200}"), HasSubstr("config.error_code"));
  EXPECT_THAT(faults(kType, "{hour: 9, count_rejected: true, algorithm: token-bucket}"),
              HasSubstr("config.count_rejected: needs algorithm: fixed-window or sliding-window"));
  EXPECT_THAT(faults(kType, "{hour: 9, count_rejected: true, policy: redis, sync_rate: 1}"),
              HasSubstr("config.count_rejected: does not go with a \"sync_rate\""));
  EXPECT_THAT(faults(kType, "{hour: 9, count_rejected: true, count_statuses: 200}"),
              HasSubstr("config.count_rejected: does not go with \"count_statuses\""));
  EXPECT_THAT(faults(kType, "{hour: 9, costs: [{methods: [GET]}]}"), HasSubstr("config.costs[0]: needs \"cost\""));
}

TEST(RateLimiting, refuses_options_without_what_they_belong_to) {
  const std::pair<const char*, const char*> all[] = {
      {"header_name: X-A", "limit_by: header"},   {"claim: org", "limit_by: [ip, claim]"},
      {"path: /a", "identifier: path"},           {"tier_claim: plan", "tier_by: claim"},
      {"sync_rate: 1", "policy: redis"},          {"namespace: other", "policy: redis"},
      {"fault_tolerant: false", "policy: redis"},
  };
  for (const auto& [option, owner] : all) {
    const std::string name(option, std::string_view(option).find(':'));
    const std::string alone = "{hour: 9, " + std::string(option);
    EXPECT_THAT(faults(kType, alone + "}"),
                HasSubstr("t.yaml:1:" + std::to_string(13 + name.size()) + ": config." + name + ": needs "))
        << option;
    EXPECT_EQ(faults(kType, alone + ", " + owner + "}"), "");
  }
  EXPECT_EQ(faults(kType, "{hour: 9, sync_rate: -1, fault_tolerant: true, namespace: gh, tier_claim: tier}"), "")
      << "defaults, as in a printed configuration";
}

TEST(RateLimiting, refuses_options_that_never_come_true) {
  EXPECT_THAT(faults(kType, "{connections: 9, policy: redis}"), HasSubstr("config.policy: needs limits"));
  for (const char* path : {"a", "/a/../b", "/a//b", "/a?b=1", "/%61", "*"}) {
    EXPECT_THAT(faults(kType, "{hour: 9, limit_by: path, path: \"" + std::string(path) + "\"}"),
                HasSubstr("config.path: must be a path"))
        << path;
  }
  EXPECT_EQ(faults(kType, "{hour: 9, limit_by: path, path: \"/a/%2F.b/\"}"), "");
  EXPECT_THAT(faults(kType, "{minute: 9, algorithm: leaky-bucket, delay: 1}"), HasSubstr("config.delay: is more"));
  EXPECT_THAT(faults(kType, "{minute: 9, algorithm: leaky-bucket, burst: 2, delay: 3}"), HasSubstr("config.delay: "));
  EXPECT_EQ(faults(kType, "{minute: 9, algorithm: leaky-bucket, burst: 3, delay: 3}"), "");
  EXPECT_THAT(faults(kType, "{hour: 9, limit_by: [ip, route, ip]}"), HasSubstr("config.limit_by: lists the same"));
  EXPECT_THAT(faults(kType, "{hour: 9, costs: [{methods: [PUT, GET], cost: 2}, {methods: GET, cost: 3}]}"),
              HasSubstr("config.costs[1]: is never reached behind costs[0]"));
  EXPECT_THAT(faults(kType, "{hour: 9, costs: [{methods: GET, cost: 2}, {methods: HEAD, routes: a, cost: 3}]}"),
              HasSubstr("config.costs[1]: is never reached behind costs[0]"));
  EXPECT_EQ(faults(kType, "{hour: 9, costs: [{methods: GET, routes: a, cost: 2}, {methods: GET, cost: 3}]}"), "");
  EXPECT_THAT(faults(kType, "{hour: 9, costs: [{cost: 2}]}"),
              HasSubstr("config.costs[0]: needs \"methods\" or \"routes\""));
  EXPECT_EQ(faults(kType, "{hour: 9, costs: [{methods: HEAD, cost: 2}, {methods: GET, cost: 3}]}"), "");
}

TEST(RateLimiting, wants_longer_windows_to_allow_no_less) {
  EXPECT_THAT(faults(kType, "{second: 10, minute: 5, hour: 20}"),
              HasSubstr("t.yaml:1:22: config.minute: window order: allows 5, less than the second's 10"));
  EXPECT_EQ(faults(kType, "{second: 10, minute: 10, year: 10}"), "");
  EXPECT_THAT(faults(kType, "{tiers: {free: {hour: 9, day: 8}}}"), HasSubstr("config.tiers.free.day: window order"));
}

TEST(RateLimiting, wants_limits_that_let_something_pass) {
  EXPECT_THAT(faults(kType, "{second: 4, hour: 9, cost: 5}"), HasSubstr("config.second: lets no request pass"));
  EXPECT_THAT(faults(kType, "{hour: 9, algorithm: token-bucket, burst: 2, cost: 3}"),
              HasSubstr("config.hour: lets no"));
  EXPECT_THAT(faults(kType, "{hour: 9, algorithm: token-bucket, burst: 0}"), HasSubstr("config.burst: must be at"));
  EXPECT_THAT(faults(kType, "{year: 1, algorithm: token-bucket, burst: 200}"), HasSubstr("a hundred years"));
  EXPECT_THAT(faults(kType, "{hour: 9, algorithm: leaky-bucket}"), HasSubstr("config.hour: leaky-bucket has"));
  EXPECT_THAT(faults(kType, "{minute: 1, algorithm: leaky-bucket, burst: 90}"), HasSubstr("more than an hour"));
  EXPECT_EQ(faults(kType, "{minute: 1, algorithm: leaky-bucket, burst: 90, nodelay: true}"), "");
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
