#include "base/clock.h"
#include "base/scheduler.h"
#include "plugins/testing/fixture.h"

// The plugin with `policy: redis` on a Redis that says what the test says.

namespace gatehouse::plugins::response_ratelimiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::faults;
using ::testing::HasSubstr;
using Words = testing::FakeRedis::Words;

/// 2030-01-01T00:00:10Z by the Redis' clock.
constexpr std::int64_t kNow = 1'893'456'010'000'000;

struct Fixture {
  explicit Fixture(const std::string& config) {
    context.fake_redis = redis;
    context.enter("route r /");
    plugin = testing::build(kType, config, context);
    redis->answer = [this](const Words& words) -> RedisResult {
      if (gone) return std::unexpected(RedisError{RedisError::Fault::timeout, "no answer in time"});
      const std::string& key = words[1];
      const std::string& count = counts[key.substr(key.find("}:") + 2)];
      items[0] = {.kind = RedisReply::Kind::integer, .integer = kNow};
      items[1] = {.kind = count.empty() ? RedisReply::Kind::nil : RedisReply::Kind::string, .text = count};
      return RedisReply{.kind = RedisReply::Kind::array, .first = items, .count = 2};
    };
  }

  /// What became of a request whose answer takes `taken`: its status, what the service read and the client reads.
  std::string pass(std::string_view taken) {
    testing::Request request;
    plugin::Exchange& x = request.exchange;
    x.scope = &scope;
    Verdict verdict = plugin->on_request(x);
    EXPECT_EQ(verdict, Verdict::suspend);
    Task<Verdict> task = plugin->on_request_async(x);
    task.start();
    if (!task.done()) {
      told = x.request.fields.has("X-RateLimit-Remaining-video");
      scope.cancel(Reason::client_closed);
      scheduler.run_ready();
      plugin.reset();
    }
    EXPECT_TRUE(task.done());
    verdict = task.result();
    if (plugin == nullptr) return std::to_string(x.response.status);
    if (verdict == Verdict::proceed) x.response.fields.append(std::string_view("X-Kong-Limit"), taken);
    if (before_answer) before_answer();
    if (plugin->on_response(x) == Verdict::suspend) {
      Task<Verdict> spends = plugin->on_response_async(x);
      spends.start();
      EXPECT_TRUE(spends.done());
      spends.result();
    }
    if (x.replied) plugin->on_response(x);
    return std::to_string(x.replied ? x.response.status : 200) + " " +
           std::string(x.request.fields.get("X-RateLimit-Remaining-video")) + " " +
           std::string(x.response.fields.get("X-RateLimit-Remaining-video-Month"));
  }

  Scheduler scheduler{TimePoint(std::chrono::seconds(5))};
  Scope scope{scheduler};
  testing::FakeContext context;
  const std::shared_ptr<testing::FakeRedis> redis = std::make_shared<testing::FakeRedis>();
  std::map<std::string, std::string> counts;  ///< by the end of the key
  RedisReply items[2];
  bool gone = false, told = false;
  std::function<void()> before_answer;  ///< what happens while the service is asked
  std::shared_ptr<const plugin::Plugin> plugin;
};

constexpr const char* kConfig = "{limits: {video: {month: 10}, sms: {year: 3}}, policy: redis";

TEST(QuotasInRedis, are_looked_at_for_the_service_and_taken_for_its_answer) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.counts["month"] = "1893456000000000 4 0";
  EXPECT_EQ(fixture.pass("video=2"), "200 6 4");
  ASSERT_EQ(fixture.redis->asked.size(), 4U) << "each before, each behind";
  const Words& look = fixture.redis->asked[0];
  const Words& take = fixture.redis->asked[2];
  EXPECT_EQ(look[1].substr(0, 4), "gh:{");
  EXPECT_EQ(look[3], "look");
  EXPECT_EQ(take[1], look[1]) << "of the same quota";
  EXPECT_NE(take[1], fixture.redis->asked[1][1]);
  EXPECT_EQ(take[3], "take");
  EXPECT_EQ(take[4], "2");
}

TEST(QuotasInRedis, take_nothing_for_an_answer_that_is_refused) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.counts["month"] = "1893456000000000 9 0";
  EXPECT_EQ(fixture.pass("sms, video=2"), "429 1 1");
  for (const Words& words : fixture.redis->asked) EXPECT_EQ(words[3], "look");
  fixture.redis->asked.clear();
  EXPECT_EQ(fixture.pass(""), "200 1 1");
  EXPECT_EQ(fixture.redis->asked.size(), 2U) << "what takes nothing asks nothing";
}

TEST(QuotasInRedis, believe_what_is_left_when_the_answer_comes) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.before_answer = [&] { fixture.counts["month"] = "1893456000000000 9 0"; };
  EXPECT_EQ(fixture.pass("video=2"), "429 10 1") << "others were faster";
}

TEST(QuotasInRedis, are_counted_here_when_it_goes_while_the_service_is_asked) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.before_answer = [&] { fixture.gone = true; };
  EXPECT_EQ(fixture.pass("video=7"), "200 10 3");
  fixture.gone = false;
  EXPECT_EQ(fixture.pass("video=4"), "429 10 3");
  Fixture strict(std::string(kConfig) + ", fault_tolerant: false}");
  strict.before_answer = [&] { strict.gone = true; };
  EXPECT_EQ(strict.pass("video").substr(0, 6), "500 10");
}

TEST(QuotasInRedis, are_used_up_for_the_service_too) {
  Fixture fixture(std::string(kConfig) + ", block_on_first_violation: true}");
  fixture.counts["month"] = "1893456000000000 10 0";
  EXPECT_EQ(fixture.pass(""), "429  0") << "the answer is the gateway's, and nothing was asked of the service";
}

TEST(QuotasInRedis, are_counted_here_while_it_does_not_answer) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.gone = true;
  EXPECT_EQ(fixture.pass("video=7"), "200 10 3");
  EXPECT_EQ(fixture.pass("video=4"), "429 3 3");
  EXPECT_EQ(fixture.context.counters.at("gatehouse_ratelimit_redis_fallbacks_total{result=local}")->value(), 2U);
  fixture.gone = false;
  EXPECT_EQ(fixture.pass(""), "200 10 10");
}

TEST(QuotasInRedis, or_answer_with_500) {
  Fixture fixture(std::string(kConfig) + ", fault_tolerant: false}");
  fixture.gone = true;
  EXPECT_EQ(fixture.pass("video"), "500  ");
  EXPECT_EQ(fixture.context.counters.at("gatehouse_ratelimit_redis_fallbacks_total{result=error}")->value(), 1U);
}

TEST(QuotasInRedis, outlive_a_client_that_leaves_meanwhile) {
  Fixture fixture(std::string(kConfig) + "}");
  fixture.redis->holds_back = true;
  EXPECT_EQ(fixture.pass("video"), "499");
  EXPECT_FALSE(fixture.told);
  ASSERT_EQ(fixture.redis->held.size(), 2U);
  for (auto& then : fixture.redis->held) then(fixture.redis->answer(fixture.redis->asked[0]));
}

TEST(QuotasInRedis, refuse_options_that_would_do_nothing) {
  EXPECT_THAT(faults(kType, "{limits: {a: {year: 1}}, fault_tolerant: false}"), HasSubstr("needs policy: redis"));
  EXPECT_THAT(faults(kType, "{limits: {a: {year: 1}}, namespace: mine}"), HasSubstr("needs policy: redis"));
  EXPECT_THAT(faults(kType, "{limits: {a: {year: 1}}, redis: {}}"), HasSubstr("does not stand here"));
}

}  // namespace
}  // namespace gatehouse::plugins::response_ratelimiting
