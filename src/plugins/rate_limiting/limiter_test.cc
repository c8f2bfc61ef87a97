#include "plugins/rate_limiting/limiter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

bool ask(Algorithm algorithm, const Limit& limit, Count& count, std::int64_t now) {
  const bool allowed = look(algorithm, limit, count, now).allowed;
  if (allowed) take(algorithm, limit, count, now);
  return allowed;
}

TEST(Windows, begin_and_end_with_the_calendar) {
  const std::int64_t now = 1'709'210'096'123'456;  // 2024-02-29 12:34:56.123456 UTC
  const auto length = [&](Period period) {
    const Window window = window_of(period, now);
    EXPECT_LE(window.begin, now);
    EXPECT_GT(window.end, now);
    EXPECT_EQ(window_of(period, window.end).begin, window.end);
    EXPECT_EQ(window_of(period, window.begin - 1).end, window.begin);
    return (window.end - window.begin) / kSecond;
  };
  EXPECT_EQ(length(Period::second), 1);
  EXPECT_EQ(length(Period::minute), 60);
  EXPECT_EQ(length(Period::hour), 3600);
  EXPECT_EQ(length(Period::day), 86'400);
  EXPECT_EQ(length(Period::month), 29 * 86'400);
  EXPECT_EQ(length(Period::year), 366 * 86'400);
  EXPECT_EQ(window_of(Period::minute, now).begin, 1'709'210'040 * kSecond);
}

TEST(FixedWindow, admits_exactly_the_limit_in_each_window) {
  const Limit limit{Period::minute, 5, 0};
  Count count;
  for (const std::int64_t start : {600 * kSecond, 660 * kSecond, 900 * kSecond}) {
    for (int i = 0; i < 5; ++i) {
      const Verdict verdict = look(Algorithm::fixed_window, limit, count, start + i);
      EXPECT_TRUE(verdict.allowed);
      EXPECT_EQ(verdict.remaining, 4U - static_cast<unsigned>(i));
      EXPECT_EQ(verdict.reset_us, start + 60 * kSecond);
      take(Algorithm::fixed_window, limit, count, start + i);
    }
    const Verdict refused = look(Algorithm::fixed_window, limit, count, start + 59 * kSecond);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.retry_after_us, kSecond);
  }
}

TEST(SlidingWindow, counts_the_window_before_by_what_is_left_of_it) {
  const Limit limit{Period::minute, 60, 0};
  Count count;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(ask(Algorithm::sliding_window, limit, count, 59 * kSecond));
  EXPECT_FALSE(ask(Algorithm::sliding_window, limit, count, 60 * kSecond)) << "no second burst at the border";
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += ask(Algorithm::sliding_window, limit, count, 90 * kSecond);
  EXPECT_EQ(admitted, 30) << "half of the window before still counts";
  const Verdict refused = look(Algorithm::sliding_window, limit, count, 90 * kSecond);
  EXPECT_GT(refused.retry_after_us, 0);
  EXPECT_TRUE(look(Algorithm::sliding_window, limit, count, 90 * kSecond + refused.retry_after_us + kSecond).allowed);
}

TEST(SlidingWindow, forgets_what_is_two_windows_old) {
  const Limit limit{Period::second, 3, 0};
  Count count;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(Algorithm::sliding_window, limit, count, 5 * kSecond));
  EXPECT_EQ(look(Algorithm::sliding_window, limit, count, 7 * kSecond).remaining, 2U);
}

TEST(TokenBucket, saves_up_a_burst_and_then_keeps_the_rate) {
  const Limit limit{Period::second, 10, 5};
  Count count;
  std::int64_t now = 100 * kSecond;
  int admitted = 0;
  for (int i = 0; i < 20; ++i) admitted += ask(Algorithm::token_bucket, limit, count, now);
  EXPECT_EQ(admitted, 5);
  const Verdict refused = look(Algorithm::token_bucket, limit, count, now);
  EXPECT_EQ(refused.retry_after_us, 100'000);
  EXPECT_EQ(refused.reset_us, now + 500'000);
  for (int i = 0; i < 1000; ++i) admitted += ask(Algorithm::token_bucket, limit, count, now += 10'000);
  EXPECT_EQ(admitted, 5 + 100) << "ten seconds at ten a second";
}

/// A slow model: the tokens as a number that time fills.
TEST(TokenBucket, is_what_a_bucket_of_tokens_admits) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    const Limit limit{Period::second, 1 + random() % 100, 1 + random() % 20};
    const std::int64_t interval = kSecond / static_cast<std::int64_t>(limit.most);
    Count count;
    std::int64_t now = 1000 * kSecond, last = now;
    std::int64_t filled = interval * static_cast<std::int64_t>(limit.burst);  // in microseconds' worth
    for (int i = 0; i < 500; ++i) {
      now += static_cast<std::int64_t>(random() % 50'000);
      filled = std::min(filled + now - last, interval * static_cast<std::int64_t>(limit.burst));
      last = now;
      const bool expected = filled >= interval;
      if (expected) filled -= interval;
      ASSERT_EQ(ask(Algorithm::token_bucket, limit, count, now), expected);
    }
  }
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
