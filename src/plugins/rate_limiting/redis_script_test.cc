#include "plugins/rate_limiting/redis_script.h"

#include <gtest/gtest.h>
#include <hiredis.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "plugins/rate_limiting/limiter.h"
#include "plugins/rate_limiting/redis_store.h"
#include "support/redis_server.h"

// The script on a Redis against decide() and charge(), step by step, with clocks that jump and the largest numbers that
// a configuration may have.

namespace gatehouse::plugins::rate_limiting {
namespace {

using test::RedisServer;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStart = 1'709'210'096'123'456;

/// A connection that asks and waits.
class Connection {
 public:
  explicit Connection(const RedisServer& server) : context_(redisConnect("127.0.0.1", server.port()), &redisFree) {
    EXPECT_EQ(context_->err, 0) << context_->errstr;
    sha_ = text({"SCRIPT", "LOAD", kScript});
  }

  std::shared_ptr<redisReply> ask(const std::vector<std::string>& words) {
    std::vector<const char*> starts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
      starts.push_back(word.data());
      sizes.push_back(word.size());
    }
    void* const reply = redisCommandArgv(context_.get(), static_cast<int>(words.size()), starts.data(), sizes.data());
    return {static_cast<redisReply*>(reply), &freeReplyObject};
  }
  std::string text(const std::vector<std::string>& words) {
    const auto reply = ask(words);
    return reply == nullptr || reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  }
  std::shared_ptr<redisReply> run(const ScriptCall& call) {
    std::vector<std::string> words{"EVALSHA", sha_, std::to_string(call.keys.size())};
    words.insert(words.end(), call.keys.begin(), call.keys.end());
    words.insert(words.end(), call.arguments.begin(), call.arguments.end());
    return ask(words);
  }

 private:
  std::unique_ptr<redisContext, decltype(&redisFree)> context_;
  std::string sha_;
};

/// As the gateway's client gives it.
RedisReply reply_of(const redisReply& from, Arena& arena) {
  RedisReply to;
  switch (from.type) {
    case REDIS_REPLY_INTEGER:
      to.kind = RedisReply::Kind::integer;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_ERROR:
      to.kind = from.type == REDIS_REPLY_STRING ? RedisReply::Kind::string : RedisReply::Kind::error;
      to.text = arena.copy({from.str, from.len});
      break;
    case REDIS_REPLY_ARRAY: {
      to.kind = RedisReply::Kind::array;
      auto* const items = arena.array<RedisReply>(from.elements);
      for (std::size_t i = 0; i < from.elements; ++i) items[i] = reply_of(*from.element[i], arena);
      to.first = items;
      to.count = static_cast<std::uint32_t>(from.elements);
      break;
    }
    default:
      break;
  }
  return to;
}

std::string described(const Count& count) {
  return std::to_string(count.mark) + " " + std::to_string(count.now) + " " + std::to_string(count.previous);
}

class RedisScriptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
    server_ = std::make_unique<RedisServer>();
    redis_ = std::make_unique<Connection>(*server_);
  }

  /// One step of the script and of the limiter. The counts behind both must be the same.
  void step(const Rule& rule, std::vector<Count>& counts, const std::string& name, std::uint64_t cost, Act act,
            std::int64_t now, std::span<const Late> late = {}) {
    Arena arena;
    std::array<Count, kPeriods> before{};
    std::vector<Count*> pointers;
    for (std::size_t i = 0; i < rule.limits.size(); ++i) {
      before[i] = counts[i];
      pointers.push_back(&counts[i]);
    }
    const std::string time = std::to_string(now);
    const auto reply = redis_->run(script_call(arena, name, rule, cost, act, late, time));
    ASSERT_NE(reply, nullptr);
    ASSERT_EQ(reply->type, REDIS_REPLY_ARRAY) << (reply->str != nullptr ? reply->str : "");
    const std::optional<Found> found = read_answer(reply_of(*reply, arena), rule.limits.size());
    ASSERT_TRUE(found);
    ASSERT_EQ(found->now_us, now);
    for (std::size_t i = 0; i < rule.limits.size(); ++i)
      ASSERT_EQ(described(found->counts[i]), described(before[i])) << "limit " << i;
    add_late(rule, pointers, late, now);
    decide(rule, pointers, cost, act, now);
  }

  /// Random requests, `steps` of them for rules that change with the seed.
  void simulate(Algorithm algorithm, bool large, int rules, int steps) {
    for (int seed = 0; seed < rules && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937_64 random(static_cast<std::uint64_t>(seed) * 2 + large);
      const auto pick = [&](std::uint64_t below) { return random() % below; };
      const bool leaky = algorithm == Algorithm::leaky_bucket;
      const std::size_t first = pick(leaky ? 2 : kPeriods);
      const std::size_t count = 1 + pick(leaky ? 2 - first : std::min<std::size_t>(kPeriods - first, 3));
      std::vector<Limit> limits;
      std::uint64_t most = large ? 1 + pick(900'000'000) : 1;
      for (std::size_t i = first; i < first + count; ++i) {
        most += pick(30);
        limits.push_back({static_cast<Period>(i), most, (large ? pick(1'000'000'000) : pick(10)) + 1, 0});
      }
      const Rule rule{algorithm, limits};
      std::vector<Count> counts(limits.size());
      std::int64_t now = kStart;
      const std::int64_t pace = length_of(limits[0].period) / (large ? 20 : static_cast<std::int64_t>(most) + 1);
      const std::string name = "t:{" + std::to_string(seed) + (large ? "l" : "s") + "}:";
      for (int i = 0; i < steps && !HasFailure(); ++i) {
        const std::uint64_t kind = pick(1000);
        const auto span = static_cast<std::uint64_t>(pace);
        if (kind < 970)
          now += static_cast<std::int64_t>(pick(span * 2 + 1));
        else if (kind < 985)
          now += static_cast<std::int64_t>(pick(span * 120 + 1));
        else if (kind < 995)
          now -= static_cast<std::int64_t>(pick(span * 10 + 1));
        else
          now -= static_cast<std::int64_t>(pick(span * 120 + 1));
        now = std::max(now, kStart - 5 * 365 * 86'400 * kSecond);
        const std::uint64_t cost = large ? pick(most / 8 + 2) : (pick(5) == 0 ? pick(4) : 1);
        const std::uint64_t act = pick(20);
        std::vector<Late> late;
        for (std::size_t j = 0; act == 2 && j < limits.size(); ++j) {
          const auto length = static_cast<std::uint64_t>(length_of(limits[j].period));
          const std::int64_t then = now - static_cast<std::int64_t>(pick(3) * length * 3 / 4);
          late.push_back({window_of(limits[j].period, then).begin, static_cast<std::int64_t>(pick(4))});
        }
        step(rule, counts, name, cost, act == 0 && cost > 0 ? Act::add : act == 1 ? Act::look : Act::take, now, late);
      }
    }
  }

  std::unique_ptr<RedisServer> server_;
  std::unique_ptr<Connection> redis_;
};

class RedisScripts : public RedisScriptTest, public ::testing::WithParamInterface<Algorithm> {};

TEST_P(RedisScripts, counts_as_the_limiter_does) {
  simulate(GetParam(), false, 40, 500);
}

TEST_P(RedisScripts, counts_exactly_with_the_largest_numbers) {
  simulate(GetParam(), true, 40, 250);
}

INSTANTIATE_TEST_SUITE_P(Limiters, RedisScripts,
                         ::testing::Values(Algorithm::fixed_window, Algorithm::sliding_window, Algorithm::token_bucket,
                                           Algorithm::leaky_bucket));

TEST_F(RedisScriptTest, knows_the_calendar) {
  const std::vector<Limit> limits{{Period::month, 1'000'000, 1, 0}, {Period::year, 2'000'000, 1, 0}};
  const Rule rule{Algorithm::fixed_window, limits};
  std::vector<Count> counts(limits.size());
  constexpr std::int64_t kDay = 86'400 * kSecond;
  // The last and first microsecond of all days of 2096 to 2104 (2100 has no February 29) and of 2023 to 2025.
  for (const auto& [from, days] : {std::pair(std::int64_t{1'672'531'200}, 3 * 366), {3'976'214'400, 9 * 366}}) {
    for (int day = 0; day < days && !HasFailure(); ++day) {
      const std::int64_t midnight = from * kSecond + day * kDay;
      step(rule, counts, "t:{calendar}:", 1, Act::take, midnight - 1);
      step(rule, counts, "t:{calendar}:", 1, Act::take, midnight);
    }
  }
}

TEST_F(RedisScriptTest, uses_the_servers_clock_and_lets_keys_end) {
  const std::vector<Limit> limits{{Period::second, 5, 5, 0}, {Period::day, 50, 50, 0}};
  for (const Algorithm algorithm : {Algorithm::fixed_window, Algorithm::sliding_window, Algorithm::token_bucket}) {
    const Rule rule{algorithm, limits};
    const std::string name = "t:{clock" + std::to_string(static_cast<int>(algorithm)) + "}:";
    Arena arena;
    const auto reply = redis_->run(script_call(arena, name, rule, 1, Act::take));
    const auto time = redis_->ask({"TIME"});
    ASSERT_EQ(reply->type, REDIS_REPLY_ARRAY) << (reply->str != nullptr ? reply->str : "");
    const std::int64_t later = std::stoll(time->element[0]->str) * kSecond + std::stoll(time->element[1]->str);
    EXPECT_LE(reply->element[0]->integer, later);
    EXPECT_GT(reply->element[0]->integer, later - 600 * kSecond);
    EXPECT_EQ(reply->element[1]->type, REDIS_REPLY_NIL);
    // A second's count goes within seconds, a day's within two days.
    const auto left = [&](const char* period) { return redis_->ask({"PTTL", name + period})->integer; };
    EXPECT_LE(left("second"), 12'100);
    EXPECT_GT(left("day"), 0);
    EXPECT_LE(left("day"), 2 * 86'400'000 + 10'100);
  }
}

TEST_F(RedisScriptTest, takes_what_is_no_count_for_none) {
  const std::vector<Limit> limits{{Period::hour, 5, 5, 0}};
  const Rule rule{Algorithm::token_bucket, limits};
  for (const char* kept : {"", "1 2", "a b c", "-1 2 3", "1 2 3 4", "1e9 1 1"}) {
    redis_->ask({"SET", "t:{x}:hour", kept});
    Arena arena;
    const auto reply = redis_->run(script_call(arena, "t:{x}:", rule, 1, Act::take));
    ASSERT_EQ(reply->type, REDIS_REPLY_ARRAY) << kept;
    EXPECT_EQ(described(read_count(kept)), "0 0 0") << kept;
    EXPECT_TRUE(redis_->text({"GET", "t:{x}:hour"}).ends_with(" 1 0")) << kept;
  }
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
