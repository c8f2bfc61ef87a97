#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/scheduler.h"
#include "plugins/rate_limiting/redis_script.h"
#include "plugins/testing/fixture.h"

// The plugin with `policy: redis` on a Redis that says what the test says.

namespace gatehouse::plugins::rate_limiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using Words = testing::FakeRedis::Words;

constexpr const char* kLocal = "gatehouse_ratelimit_redis_fallbacks_total{result=local}";
constexpr const char* kErrors = "gatehouse_ratelimit_redis_fallbacks_total{result=error}";

/// 2030-01-01T00:00:10Z by the Redis' clock.
constexpr std::int64_t kNow = 1'893'456'010'000'000;

struct Fixture {
  explicit Fixture(const std::string& config) {
    context.fake_redis = redis;
    context.enter("route r /");
    plugin = testing::build(kType, config, context);
  }

  /// The script finds these counts, one for each limit ("" for none).
  void finds(std::vector<std::string> counts) {
    kept = std::move(counts);
    items.assign(1, {.kind = RedisReply::Kind::integer, .integer = now});
    for (const std::string& each : kept) {
      items.push_back({.kind = each.empty() ? RedisReply::Kind::nil : RedisReply::Kind::string, .text = each});
    }
    redis->answer = [this](const Words&) {
      return RedisReply{
          .kind = RedisReply::Kind::array, .first = items.data(), .count = static_cast<std::uint32_t>(items.size())};
    };
  }
  void fails(RedisError::Fault fault, bool sent = false) {
    redis->answer = [=](const Words&) { return std::unexpected(RedisError{fault, "gone", sent}); };
  }

  /// What became of the request: its status and a field.
  std::string ask(std::string_view field = "X-RateLimit-Remaining-Minute", std::string_view cost = "") {
    testing::Request request;
    plugin::Exchange& x = request.exchange;
    x.scope = &scope;
    Verdict verdict = plugin->on_request(x);
    if (verdict == Verdict::suspend) {
      Task<Verdict> task = plugin->on_request_async(x);
      task.start();
      EXPECT_TRUE(task.done());
      verdict = task.result();
    }
    if (!cost.empty()) x.response.fields.append(std::string_view("X-Cost"), cost);
    plugin->on_response(x);
    const int status = verdict == Verdict::reply ? x.response.status : 200;
    return std::to_string(status) + " " + std::string(x.response.fields.get(field));
  }

  Scheduler scheduler{TimePoint(std::chrono::seconds(5))};
  Scope scope{scheduler};
  testing::FakeContext context;
  const std::shared_ptr<testing::FakeRedis> redis = std::make_shared<testing::FakeRedis>();
  std::int64_t now = kNow;  ///< by the Redis' clock
  std::vector<std::string> kept;
  std::vector<RedisReply> items;
  std::shared_ptr<const plugin::Plugin> plugin;
};

TEST(RateLimitingInRedis, asks_with_all_limits_and_believes_the_answer) {
  Fixture fixture("{minute: 5, month: 100, policy: redis}");
  fixture.finds({"1893456000000000 3 0", ""});
  EXPECT_EQ(fixture.ask(), "200 1");
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Month"), "200 99");
  EXPECT_EQ(fixture.ask("X-RateLimit-Reset"), "200 1893456060");
  const Words& asked = fixture.redis->asked[0];
  ASSERT_EQ(asked.size(), 13U);
  EXPECT_EQ(asked[0], "EVAL");
  EXPECT_EQ(asked[1].substr(0, 4), "gh:{");
  EXPECT_EQ(asked[1].substr(36), "}:minute");
  EXPECT_EQ(asked[2], asked[1].substr(0, 38) + "month") << "in the same slot";
  EXPECT_EQ(Words(asked.begin() + 3, asked.end()),
            (Words{"fixed", "take", "1", "", "60000000", "0", "5", "0", "1", "100"}));
  fixture.finds({"1893456000000000 5 0", ""});
  EXPECT_EQ(fixture.ask("Retry-After"), "429 50");
  EXPECT_EQ(fixture.context.counters.at(kLocal)->value(), 0U);
}

TEST(RateLimitingInRedis, counts_apart_by_place_name_and_identity) {
  std::vector<std::string> names;
  for (const char* config :
       {"{minute: 5, policy: redis}", "{minute: 5, policy: redis, namespace: other}",
        "{minute: 5, policy: redis, algorithm: sliding-window}", "{minute: 5, policy: redis, limit_by: route}"}) {
    Fixture fixture(config);
    fixture.ask();
    names.push_back(fixture.redis->asked[0][1]);
  }
  Fixture again("{minute: 9, policy: redis}");
  again.ask();
  EXPECT_EQ(again.redis->asked[0][1], names[0]) << "another process, and another limit";
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::unique(names).size(), 0U);
}

TEST(RateLimitingInRedis, adds_what_an_answer_costs_without_waiting) {
  Fixture fixture("{minute: 10, policy: redis, cost_header: X-Cost}");
  fixture.finds({"1893456000000000 1 0"});
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Minute", "3"), "200 5");
  ASSERT_EQ(fixture.redis->asked.size(), 2U);
  EXPECT_EQ(fixture.redis->asked[1][0], "SEND");
  EXPECT_EQ(fixture.redis->asked[1][3], "add");
  EXPECT_EQ(fixture.redis->asked[1][4], "3");
}

TEST(RateLimitingInRedis, counts_what_it_refuses_where_it_is_to) {
  Fixture fixture("{minute: 5, month: 100, policy: redis, count_rejected: true}");
  fixture.finds({"1893456000000000 7 0", "1893456000000000 9 0"});
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Month"), "429 90");
  ASSERT_EQ(fixture.redis->asked.size(), 1U) << "in one round trip";
  EXPECT_EQ(fixture.redis->asked[0][4], "add");
}

TEST(RateLimitingInRedis, only_looks_where_the_answer_decides_what_counts) {
  Fixture fixture("{minute: 10, policy: redis, count_statuses: 200}");
  fixture.finds({"1893456000000000 1 0"});
  EXPECT_EQ(fixture.ask(), "200 8");
  ASSERT_EQ(fixture.redis->asked.size(), 2U);
  EXPECT_EQ(fixture.redis->asked[0][3], "look");
  EXPECT_EQ(fixture.redis->asked[1][3], "add");
}

TEST(RateLimitingInRedis, decides_by_itself_without_an_answer) {
  using Fault = RedisError::Fault;
  std::uint64_t times = 0;
  Fixture fixture("{month: 3, year: 3, policy: redis}");
  for (const Fault fault : {Fault::unavailable, Fault::timeout, Fault::overloaded}) {
    fixture.fails(fault);
    EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Year"), "200 " + std::to_string(2 - times));
    EXPECT_EQ(fixture.context.counters.at(kLocal)->value(), ++times);
  }
  fixture.fails(Fault::server);
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Year"), "429 0");
  fixture.redis->answer = [](const Words&) { return RedisReply{.kind = RedisReply::Kind::integer, .integer = 1}; };
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Year"), "429 0") << "what is no answer is none";
  fixture.finds({"", ""});
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Year"), "200 2");
  EXPECT_EQ(fixture.context.counters.at(kLocal)->value(), 5U);
}

TEST(RateLimitingInRedis, or_answers_with_500) {
  Fixture fixture("{minute: 5, policy: redis, fault_tolerant: false}");
  fixture.fails(RedisError::Fault::timeout);
  EXPECT_EQ(fixture.ask(), "500 ");
  EXPECT_EQ(fixture.context.counters.at(kErrors)->value(), 1U);
  Fixture dry("{minute: 5, policy: redis, fault_tolerant: false, dry_run: true}");
  dry.fails(RedisError::Fault::timeout);
  EXPECT_EQ(dry.ask(), "200 ");
  EXPECT_EQ(dry.context.counters.at(kErrors)->value(), 0U) << "nobody is refused";
  EXPECT_EQ(dry.context.counters.at(kLocal)->value(), 1U);
}

TEST(RateLimitingInRedis, says_nothing_of_a_client_that_leaves_meanwhile) {
  Fixture fixture("{minute: 5, policy: redis}");
  fixture.fails(RedisError::Fault::cancelled);
  fixture.scope.cancel(Reason::client_closed);
  testing::Request request;
  request.exchange.scope = &fixture.scope;
  ASSERT_EQ(fixture.plugin->on_request(request.exchange), Verdict::suspend);
  Task<Verdict> task = fixture.plugin->on_request_async(request.exchange);
  task.start();
  EXPECT_EQ(task.result(), Verdict::reply);
  EXPECT_EQ(request.exchange.reason, Reason::client_closed);
  EXPECT_EQ(fixture.context.counters.at(kLocal)->value(), 0U);
}

TEST(RateLimitingInRedis, where_nothing_may_wait_decides_by_itself) {
  Fixture fixture("{minute: 5, policy: redis, sync_rate: 1}");
  testing::Request request;
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::proceed);
  fixture.plugin->on_response(request.exchange);
  EXPECT_EQ(request.exchange.response.fields.get("X-RateLimit-Remaining-Minute"), "4");
  EXPECT_TRUE(fixture.redis->asked.empty());
}

TEST(RateLimitingInRedis, with_a_sync_rate_asks_once_and_brings_the_rest_later) {
  Fixture fixture("{year: 10, policy: redis, sync_rate: 3600, cost_header: X-Cost}");
  fixture.finds({"1893456000000000 2 0"});
  constexpr std::string_view kLeft = "X-RateLimit-Remaining-Year";
  EXPECT_EQ(fixture.ask(kLeft), "200 7");
  EXPECT_EQ(fixture.ask(kLeft), "200 6");
  EXPECT_EQ(fixture.ask(kLeft, "2"), "200 3");
  EXPECT_EQ(fixture.redis->asked.size(), 1U);
  // The same limiter with a shorter interval: that one is over.
  fixture.plugin = testing::build(kType, "{year: 10, policy: redis, sync_rate: 0.02}", fixture.context);
  const std::int64_t end = wall_clock_us() + 20'000;
  while (wall_clock_us() < end) {
  }
  fixture.finds({"1893456000000000 3 0"});
  EXPECT_EQ(fixture.ask(kLeft), "200 2") << "1 + 3 are owed, and 1 it takes";
  ASSERT_EQ(fixture.redis->asked.size(), 2U);
  const Words& asked = fixture.redis->asked[1];
  EXPECT_EQ(Words(asked.end() - 2, asked.end()), (Words{"1893456000000000", "4"}));
}

/// `sync_rate` with an interval that is over at each request: the gateway asks each time.
struct AskingEachTime : Fixture {
  AskingEachTime() : Fixture("{year: 10, policy: redis, sync_rate: 0.02}") {}
  /// What the request is told remains, and what its question brings: "9 remain, 3 owed".
  std::string ask_late() {
    const std::int64_t over = wall_clock_us() + 20'000;
    while (wall_clock_us() < over) {
    }
    const std::size_t before = redis->asked.size();
    const std::string said = ask("X-RateLimit-Remaining-Year").substr(4);
    EXPECT_EQ(redis->asked.size(), before + 1);
    const Words& asked = redis->asked.back();
    return said + " remain, " + (asked.size() == 9 ? "0" : asked.back()) + " owed";
  }
};

TEST(RateLimitingInRedis, with_a_sync_rate_owes_only_what_was_not_sent) {
  using Fault = RedisError::Fault;
  AskingEachTime fixture;
  fixture.fails(Fault::unavailable);
  EXPECT_EQ(fixture.ask_late(), "9 remain, 0 owed");
  fixture.fails(Fault::overloaded);
  EXPECT_EQ(fixture.ask_late(), "8 remain, 1 owed");
  fixture.fails(Fault::server);
  EXPECT_EQ(fixture.ask_late(), "7 remain, 2 owed");
  fixture.fails(Fault::timeout, true);
  EXPECT_EQ(fixture.ask_late(), "6 remain, 3 owed") << "and its own one";
  fixture.fails(Fault::unavailable, true);
  EXPECT_EQ(fixture.ask_late(), "5 remain, 0 owed") << "what may be counted there is not told again";
  fixture.fails(Fault::timeout);
  EXPECT_EQ(fixture.ask_late(), "4 remain, 0 owed");
  EXPECT_EQ(fixture.ask_late(), "3 remain, 1 owed");
}

TEST(RateLimitingInRedis, with_a_sync_rate_hears_the_answer_when_who_asked_has_left) {
  Fixture fixture("{year: 10, policy: redis, sync_rate: 3600, algorithm: token-bucket}");
  fixture.redis->holds_back = true;
  for (int i = 0; i < 3; ++i) {
    testing::Request request;
    Scope scope(fixture.scheduler);
    request.exchange.scope = &scope;
    if (fixture.plugin->on_request(request.exchange) != Verdict::suspend) continue;
    Task<Verdict> task = fixture.plugin->on_request_async(request.exchange);
    task.start();
    EXPECT_FALSE(task.done());
    scope.cancel(Reason::client_closed);
    fixture.scheduler.run_ready();
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.result(), Verdict::reply);
    EXPECT_EQ(request.exchange.reason, Reason::client_closed);
  }
  ASSERT_EQ(fixture.redis->held.size(), 1U) << "the others do not wait for it";
  fixture.now = wall_clock_us();
  fixture.finds({std::to_string(fixture.now) + " 2 0"});
  fixture.redis->held[0](fixture.redis->answer({}));
  fixture.redis->held.clear();
  // 2 were there, 1 was the question's own, 2 came meanwhile.
  EXPECT_EQ(fixture.ask("X-RateLimit-Remaining-Year"), "200 4");
  EXPECT_EQ(fixture.redis->asked.size(), 1U);
}

TEST(RateLimitingInRedis, with_a_sync_rate_goes_on_by_what_it_knew) {
  Fixture fixture("{year: 10, policy: redis, sync_rate: 3600}");
  fixture.fails(RedisError::Fault::unavailable);
  constexpr std::string_view kLeft = "X-RateLimit-Remaining-Year";
  EXPECT_EQ(fixture.ask(kLeft), "200 9");
  EXPECT_EQ(fixture.ask(kLeft), "200 8");
  EXPECT_EQ(fixture.redis->asked.size(), 1U) << "for an interval nobody asks again";
  EXPECT_EQ(fixture.context.counters.at(kLocal)->value(), 1U);
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
