#include "plugins/rate_limiting/store.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <thread>

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kStart = 1'709'210'100'000'000;  // a minute's begin
constexpr int kThreads = 8;

void in_threads(const std::function<void(int)>& run) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(run, t);
  for (std::thread& thread : threads) thread.join();
}

/// How many of each of `keys` keys pass when all threads ask for all of them.
std::vector<int> hammer(LocalStore& store, const Rule& rule, int keys, int times, std::int64_t now) {
  std::vector<std::atomic<int>> passed(static_cast<std::size_t>(keys));
  in_threads([&](int thread) {
    for (int i = 0; i < times; ++i) {
      for (int k = 0; k < keys; ++k) {
        const int key = (k + thread) % keys;
        passed[static_cast<std::size_t>(key)] +=
            !store.decide(keyed_hash(std::to_string(key)), rule, 1, Act::take, now).refused;
      }
    }
  });
  return {passed.begin(), passed.end()};
}

TEST(LocalStore, admits_exactly_the_limit_to_all_threads) {
  constexpr int kKeys = 40;
  const std::vector<Limit> windows{{Period::minute, 70}, {Period::hour, 100}};
  const std::vector<Limit> bucket{{Period::minute, 60, 25, kNoDelay}};
  const auto expect_all = [&](LocalStore& store, Algorithm algorithm, const std::vector<Limit>& limits,
                              std::int64_t now, int expected) {
    for (const int passed : hammer(store, {algorithm, limits}, kKeys, 20, now)) EXPECT_EQ(passed, expected);
  };
  LocalStore fixed(100'000), sliding(100'000), token(100'000), leaky(100'000);
  expect_all(fixed, Algorithm::fixed_window, windows, kStart, 70);
  expect_all(fixed, Algorithm::fixed_window, windows, kStart + kMinute, 30);
  expect_all(fixed, Algorithm::fixed_window, windows, kStart + 2 * kMinute, 0);
  expect_all(sliding, Algorithm::sliding_window, windows, kStart, 70);
  expect_all(sliding, Algorithm::sliding_window, windows, kStart + kMinute + kMinute / 10, 7);
  expect_all(token, Algorithm::token_bucket, bucket, kStart, 25);
  expect_all(token, Algorithm::token_bucket, bucket, kStart + kMinute / 6, 10);
  expect_all(leaky, Algorithm::leaky_bucket, bucket, kStart, 26);
  expect_all(leaky, Algorithm::leaky_bucket, bucket, kStart + kMinute / 6, 10);
}

TEST(LocalStore, tells_each_request_its_own_number) {
  LocalStore store(1000);
  const Limit limit{Period::year, 4000};
  std::vector<std::vector<std::uint64_t>> told(kThreads);
  in_threads([&](int thread) {
    for (int i = 0; i < 500; ++i) {
      const Decision decision = store.decide({7, 7}, {Algorithm::fixed_window, {&limit, 1}}, 1, Act::take, kStart);
      told[static_cast<std::size_t>(thread)].push_back(decision.standings[0].remaining);
    }
  });
  std::set<std::uint64_t> all;
  for (const auto& numbers : told) {
    EXPECT_TRUE(std::ranges::is_sorted(numbers, std::greater()));
    all.insert(numbers.begin(), numbers.end());
  }
  EXPECT_EQ(all.size(), 4000U) << "no two requests are told the same";
}

TEST(LocalStore, is_not_made_to_forget_by_a_flood_of_keys) {
  LocalStore store(10'000);
  const Limit limit{Period::minute, 3};
  const Rule rule{Algorithm::fixed_window, {&limit, 1}};
  const auto passed = [&](const std::string& key, std::int64_t now) {
    return !store.decide(keyed_hash(key), rule, 1, Act::take, now).refused;
  };
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(passed("victim", kStart));
  EXPECT_TRUE(passed("earlier", kStart));
  int flooded = 0;
  for (int i = 0; i < 200'000; ++i) flooded += passed("flood-" + std::to_string(i), kStart + i);
  EXPECT_LE(flooded, 10'000 + 3) << "who finds no room shares one count";
  EXPECT_GE(flooded, 9'000);
  EXPECT_FALSE(passed("victim", kStart + 300'000)) << "its limit is as it was";
  EXPECT_TRUE(passed("earlier", kStart + 300'000)) << "and what it had is left to it";
  EXPECT_FALSE(passed("late", kStart + 300'000));
  EXPECT_TRUE(passed("late", kStart + kMinute)) << "when their time is over there is room";
}

TEST(LocalStore, holds_all_without_a_count_of_their_own_to_their_limits_of_any_periods) {
  LocalStore store(1000);
  const std::vector<Limit> all{{Period::second, 1}, {Period::minute, 1}, {Period::hour, 1},
                               {Period::day, 1},    {Period::month, 1},  {Period::year, 1}};
  const std::vector<Limit> some{all[1], all[2], all[3], {Period::month, 2}};
  const std::vector<Limit> others{{Period::second, 9}, {Period::hour, 9}, {Period::year, 3}};
  int key = 0;
  const auto passed = [&](const std::vector<Limit>& limits, int times, std::int64_t now) {
    int count = 0;
    for (int i = 0; i < times; ++i)
      count += !store.decide(keyed_hash(std::to_string(++key)), {Algorithm::fixed_window, limits}, 1, Act::take, now)
                    .refused;
    return count;
  };
  EXPECT_LT(passed(others, 20'000, kStart), 20'000);
  EXPECT_EQ(passed(others, 1000, kStart), 0) << "it is full";
  EXPECT_EQ(passed(some, 1000, kStart), 0) << "the hour is used up by the others";
  EXPECT_EQ(passed(all, 1000, kStart), 0);
  const std::int64_t next_hour = kStart + 60 * kMinute;
  EXPECT_LT(passed(some, 20'000, next_hour), 1000) << "in the place of those whose time is over";
  EXPECT_EQ(passed(some, 1000, next_hour), 0);
}

TEST(LocalStore, keeps_counts_when_its_bound_changes) {
  LocalStore store(100'000);
  const Limit limit{Period::year, 2};
  const Rule rule{Algorithm::fixed_window, {&limit, 1}};
  for (int i = 0; i < 50'000; ++i) store.decide(keyed_hash(std::to_string(i)), rule, 2, Act::take, kStart);
  store.set_most(5000);
  for (int i = 0; i < 50'000; ++i)
    ASSERT_TRUE(store.decide(keyed_hash(std::to_string(i)), rule, 1, Act::take, kStart).refused);
}

TEST(Connections, never_lets_more_in_than_may_be_under_way) {
  Connections connections;
  std::atomic<int> inside{0}, most{0}, refused{0}, entered{0};
  in_threads([&](int) {
    for (int i = 0; i < 20'000; ++i) {
      if (!connections.take({3, 3}, 3)) {
        ++refused;
        continue;
      }
      const int now = ++inside;
      int seen = most.load();
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      ++entered;
      --inside;
      connections.give_back({3, 3});
    }
  });
  EXPECT_LE(most, 3);
  EXPECT_EQ(entered + refused, kThreads * 20'000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(connections.take({3, 3}, 3)) << "all were given back";
  EXPECT_FALSE(connections.take({3, 3}, 3));
}

TEST(Connections, forgets_who_has_none) {
  Connections connections;
  for (int i = 0; i < 100'000; ++i) {
    const Hash128 key = keyed_hash(std::to_string(i));
    ASSERT_TRUE(connections.take(key, 1));
    ASSERT_FALSE(connections.take(key, 1));
    connections.give_back(key);
  }
  EXPECT_FALSE(connections.take({1, 1}, 0));
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
