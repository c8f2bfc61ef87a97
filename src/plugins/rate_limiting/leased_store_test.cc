#include "plugins/rate_limiting/leased_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kSecond = 1'000'000, kStart = 1'709'210'096'123'456;
constexpr Hash128 kKey{5, 7};

/// What the Redis does with one key.
class Redis {
 public:
  explicit Redis(const Rule& rule) : rule_(rule) {}
  Decision decide(std::uint64_t cost, std::int64_t now, std::span<const Late> late, Found& found) {
    const CountPointers pointers(counts, rule_);
    add_late(rule_, pointers, late, now);
    const Decision decision = rate_limiting::decide(rule_, pointers, cost, Act::take, now);
    found = {now, counts};
    return decision;
  }
  std::array<Count, kPeriods> counts;

 private:
  const Rule rule_;
};

/// One gateway: its requests may ask, and be answered later.
class Gateway {
 public:
  Gateway(const Rule& rule, Redis& redis, std::int64_t interval) : rule_(rule), redis_(redis), store_(1000, interval) {}

  /// Whether a request passes. With `flight` its question stays on its way until land().
  bool ask(std::int64_t now, bool flight = false) {
    LeasedStore::Question question{};
    std::optional<Decision> decision = store_.decide(kKey, rule_, 1, Act::take, now, question);
    if (decision) {
      lent += !decision->refused;
      most_lent = std::max(most_lent, lent);
      return !decision->refused;
    }
    ++asked;
    const bool passes = !redis_.decide(1, now, std::span(question.owed).first(rule_.limits.size()), found_).refused;
    lent = 0;
    in_flight = flight;
    if (!flight) store_.settle(kKey, rule_, found_);
    return passes;
  }
  void land() {
    if (in_flight) store_.settle(kKey, rule_, found_);
    in_flight = false;
  }
  LeasedStore& store() { return store_; }

  int asked = 0, lent = 0, most_lent = 0;  ///< lent: let pass since it last asked
  bool in_flight = false;

 private:
  const Rule rule_;
  Redis& redis_;
  LeasedStore store_;
  Found found_;
};

TEST(LeasedStore, asks_once_in_an_interval_and_brings_what_it_let_pass) {
  const std::vector<Limit> limits{{Period::minute, 10, 10, 0}, {Period::year, 100, 100, 0}};
  const Rule rule{Algorithm::fixed_window, limits};
  Redis redis(rule);
  Gateway gateway(rule, redis, kSecond);
  const std::int64_t now = window_of(Period::minute, kStart).begin;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(gateway.ask(now + i));
  EXPECT_EQ(gateway.asked, 1);
  EXPECT_EQ(redis.counts[0].now, 1);
  EXPECT_TRUE(gateway.ask(now + kSecond));
  EXPECT_EQ(gateway.asked, 2);
  EXPECT_EQ(redis.counts[0].now, 9);
  EXPECT_EQ(redis.counts[1].now, 9);
  EXPECT_TRUE(gateway.ask(now + kSecond + 1));
  EXPECT_FALSE(gateway.ask(now + kSecond + 2));
}

TEST(LeasedStore, knows_what_others_took_when_it_asks) {
  const std::vector<Limit> limits{{Period::minute, 10, 10, 0}};
  for (const Algorithm algorithm : {Algorithm::fixed_window, Algorithm::sliding_window, Algorithm::token_bucket}) {
    const Rule rule{algorithm, limits};
    Redis redis(rule);
    Gateway one(rule, redis, kSecond), two(rule, redis, kSecond);
    const std::int64_t now = window_of(Period::minute, kStart).begin;
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(one.ask(now + i));
    EXPECT_TRUE(one.ask(now + kSecond));
    int passed = 0;
    for (int i = 0; i < 9; ++i) passed += two.ask(now + kSecond + 1);
    EXPECT_EQ(passed, 3);
  }
}

TEST(LeasedStore, decides_by_what_it_knows_while_it_asks) {
  const std::vector<Limit> limits{{Period::minute, 3, 3, 0}};
  const Rule rule{Algorithm::fixed_window, limits};
  Redis redis(rule);
  Gateway gateway(rule, redis, kSecond);
  const std::int64_t now = window_of(Period::minute, kStart).begin;
  EXPECT_TRUE(gateway.ask(now, true));
  EXPECT_TRUE(gateway.ask(now + 1));
  gateway.land();
  EXPECT_TRUE(gateway.ask(now + 2)) << "one was counted there, one is owed";
  EXPECT_FALSE(gateway.ask(now + 3));
  EXPECT_FALSE(gateway.ask(now + kSecond));
  EXPECT_EQ(redis.counts[0].now, 3);
}

TEST(LeasedStore, owes_on_where_nobody_answers) {
  const std::vector<Limit> limits{{Period::hour, 10, 10, 0}};
  const Rule rule{Algorithm::sliding_window, limits};
  Redis redis(rule);
  LeasedStore store(1000, kSecond);
  std::int64_t now = window_of(Period::hour, kStart).begin;
  int passed = 0;
  for (int i = 0; i < 20; ++i, now += kSecond) {
    LeasedStore::Question question{};
    ASSERT_FALSE(store.decide(kKey, rule, 1, Act::take, now, question)) << "an interval is over";
    const auto decision = store.put_back(kKey, rule, 1, Act::take, now, question);
    ASSERT_TRUE(decision);
    passed += !decision->refused;
  }
  EXPECT_EQ(passed, 10) << "its own count holds";
  LeasedStore::Question question{};
  ASSERT_FALSE(store.decide(kKey, rule, 1, Act::take, now, question));
  EXPECT_EQ(question.owed[0].amount, 10);
  // Of the window after, nothing is lost either: it counts as the one before.
  store.put_back(kKey, rule, 0, Act::take, now, question);
  ASSERT_FALSE(store.decide(kKey, rule, 1, Act::take, now + 3600 * kSecond, question));
  Found found;
  redis.decide(0, now + 3600 * kSecond, std::span(question.owed).first(1), found);
  redis.decide(1, now + 3600 * kSecond, {}, found);
  EXPECT_EQ(found.counts[0].previous, 10);
}

TEST(LeasedStore, asks_in_each_window_though_nothing_is_owed) {
  const std::vector<Limit> limits{{Period::second, 2, 2, 0}};
  for (const Algorithm algorithm : {Algorithm::fixed_window, Algorithm::sliding_window}) {
    const Rule rule{algorithm, limits};
    Redis redis(rule);
    Gateway one(rule, redis, 60 * kSecond), two(rule, redis, 60 * kSecond);
    std::int64_t now = window_of(Period::second, kStart).begin;
    for (int second = 1; second <= 5; ++second, now += 3 * kSecond) {
      EXPECT_TRUE(one.ask(now));
      EXPECT_TRUE(two.ask(now + 1));
      EXPECT_FALSE(two.ask(now + 2)) << "it has asked, and knows of the other";
      EXPECT_EQ(one.asked, second);
      EXPECT_EQ(two.asked, second);
    }
  }
}

TEST(LeasedStore, asks_each_time_for_whom_there_is_no_room) {
  const std::vector<Limit> limits{{Period::hour, 10, 10, 0}};
  const Rule rule{Algorithm::fixed_window, limits};
  LeasedStore store(64, kSecond);  // one part takes as many
  LeasedStore::Question question{};
  for (std::uint64_t i = 0; i < 64; ++i) {
    EXPECT_FALSE(store.decide({64, i}, rule, 1, Act::take, kStart, question));
    store.put_back({64, i}, rule, 1, Act::take, kStart, question);
  }
  EXPECT_TRUE(store.decide({64, 1}, rule, 1, Act::take, kStart, question));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(store.decide({64, 100}, rule, 1, Act::take, kStart, question));
    EXPECT_FALSE(store.put_back({64, 100}, rule, 1, Act::take, kStart, question));
    EXPECT_FALSE(store.charge({64, 100}, rule, 1, kStart));
  }
}

TEST(LeasedStore, loses_nothing_between_threads) {
  constexpr int kThreads = 8, kRequests = 20'000;
  const std::vector<Limit> limits{{Period::year, 100'000, 100'000, 0}};
  const Rule rule{Algorithm::fixed_window, limits};
  Redis redis(rule);
  std::mutex one_at_a_time;
  LeasedStore store(1000, 50);
  std::atomic<std::int64_t> clock{kStart};
  std::atomic<int> passed{0};
  const auto ask = [&](std::uint64_t cost) {
    LeasedStore::Question question{};
    const std::int64_t now = clock++;
    if (const auto decision = store.decide(kKey, rule, cost, Act::take, now, question)) return !decision->refused;
    Found found;
    bool passes = false;
    {
      const std::scoped_lock guard(one_at_a_time);
      passes = !redis.decide(cost, now, std::span(question.owed).first(1), found).refused;
    }
    store.settle(kKey, rule, found);
    return passes;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kRequests; ++j) passed += ask(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  clock += 1000;
  ask(0);
  EXPECT_EQ(redis.counts[0].now, passed);
  EXPECT_EQ(passed, 100'000) << "one process alone exceeds nothing";
}

class Leases : public ::testing::TestWithParam<Algorithm> {};

/// The bound that the README states.
TEST_P(Leases, of_four_gateways_exceed_the_limit_by_no_more_than_what_each_lets_pass_in_an_interval) {
  constexpr int kGateways = 4;
  int exceeded = 0;
  for (std::uint64_t seed = 0; seed < 200 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint64_t most = 5 + random() % 60;
    const std::vector<Limit> limits{{Period::hour, most, most, 0}};
    const Rule rule{GetParam(), limits};
    Redis redis(rule);
    const auto interval = static_cast<std::int64_t>(1 + random() % 60) * kSecond;
    std::vector<std::unique_ptr<Gateway>> gateways;
    for (int i = 0; i < kGateways; ++i) gateways.push_back(std::make_unique<Gateway>(rule, redis, interval));
    std::int64_t now = window_of(Period::hour, kStart).begin;
    const std::int64_t end = now + 1800 * kSecond;
    int passed = 0;
    while (now < end) {
      now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(kSecond));
      Gateway& gateway = *gateways[random() % kGateways];
      if (random() % 4 == 0) gateway.land();
      if (gateway.in_flight && random() % 2 == 0) gateway.land();
      passed += gateway.ask(now, random() % 8 == 0 && !gateway.in_flight);
    }
    // Of a bucket half an hour's tokens have come back.
    const int limit = static_cast<int>(GetParam() == Algorithm::token_bucket ? most + most / 2 : most);
    int bound = limit;
    for (const auto& gateway : gateways) bound += gateway->most_lent;
    ASSERT_LE(passed, bound);
    ASSERT_GE(passed, limit - (GetParam() == Algorithm::token_bucket ? kGateways * static_cast<int>(most) / 2 : 0));
    exceeded += passed > limit;
  }
  EXPECT_GT(exceeded, 0) << "it is no exact mode";
}

INSTANTIATE_TEST_SUITE_P(Windows, Leases,
                         ::testing::Values(Algorithm::fixed_window, Algorithm::sliding_window,
                                           Algorithm::token_bucket));

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
