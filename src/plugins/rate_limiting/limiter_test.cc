#include "plugins/rate_limiting/limiter.h"

#include <gtest/gtest.h>

#include <vector>

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

/// One identity's counts for a rule.
class Asker {
 public:
  Asker(Algorithm algorithm, std::vector<Limit> limits) : limits_(std::move(limits)), rule_{algorithm, limits_} {
    for (Count& count : counts_) pointers_.push_back(&count);
  }
  Decision ask(std::int64_t now, std::uint64_t cost = 1, Act act = Act::take) {
    return decide(rule_, {pointers_.data(), limits_.size()}, cost, act, now);
  }
  Decision add(std::int64_t now, std::uint64_t cost) {
    return charge(rule_, {pointers_.data(), limits_.size()}, cost, now);
  }
  int passed(std::int64_t now, int times) {
    int passed = 0;
    for (int i = 0; i < times; ++i) passed += !ask(now).refused;
    return passed;
  }

 private:
  std::vector<Limit> limits_;
  Rule rule_;
  std::array<Count, kPeriods> counts_;
  std::vector<Count*> pointers_;
};

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
  Asker asker(Algorithm::fixed_window, {{Period::minute, 5}});
  for (const std::int64_t start : {600 * kSecond, 660 * kSecond, 900 * kSecond}) {
    for (int i = 0; i < 5; ++i) {
      const Decision decision = asker.ask(start + i);
      EXPECT_FALSE(decision.refused);
      EXPECT_EQ(decision.standings[0].remaining, 4U - static_cast<unsigned>(i));
      EXPECT_EQ(decision.standings[0].reset_us, start + 60 * kSecond);
    }
    const Decision refused = asker.ask(start + 59 * kSecond);
    EXPECT_TRUE(refused.refused);
    EXPECT_EQ(refused.retry_after_us, kSecond);
  }
}

TEST(FixedWindow, gives_no_second_quota_when_the_clock_steps_back) {
  Asker asker(Algorithm::fixed_window, {{Period::minute, 5}});
  EXPECT_EQ(asker.passed(660 * kSecond, 9), 5);
  EXPECT_EQ(asker.passed(659 * kSecond, 9), 0) << "a second back, into the window before";
  EXPECT_EQ(asker.passed(661 * kSecond, 9), 0);
  EXPECT_EQ(asker.passed(60 * kSecond, 9), 5) << "a clock that was set anew";
}

TEST(Decisions, count_in_no_window_what_one_refuses) {
  Asker asker(Algorithm::fixed_window, {{Period::second, 2}, {Period::hour, 5}});
  EXPECT_EQ(asker.passed(3600 * kSecond, 10), 2);
  Decision decision = asker.ask(3600 * kSecond);
  EXPECT_TRUE(decision.refused);
  EXPECT_EQ(decision.standings[0].remaining, 0U);
  EXPECT_EQ(decision.standings[1].remaining, 3U);
  EXPECT_EQ(decision.retry_after_us, kSecond);
  EXPECT_EQ(asker.passed(3601 * kSecond, 10), 2);
  EXPECT_EQ(asker.passed(3602 * kSecond, 10), 1);
  decision = asker.ask(3602 * kSecond);
  EXPECT_EQ(decision.retry_after_us, 3598 * kSecond) << "the longest of the times";
}

TEST(Decisions, weigh_what_requests_cost) {
  Asker asker(Algorithm::fixed_window, {{Period::hour, 10}});
  EXPECT_EQ(asker.ask(kSecond, 7).standings[0].remaining, 3U);
  const Decision refused = asker.ask(kSecond, 5);
  EXPECT_TRUE(refused.refused);
  EXPECT_EQ(refused.standings[0].remaining, 3U);
  EXPECT_EQ(asker.ask(kSecond, 3, Act::look).standings[0].remaining, 3U) << "only looked at";
  EXPECT_FALSE(asker.ask(kSecond, 3).refused);
  EXPECT_TRUE(asker.ask(kSecond, 1, Act::look).refused);
  EXPECT_FALSE(asker.ask(kSecond, 0).refused) << "what costs nothing passes";
  EXPECT_EQ(asker.add(kSecond, 1000).standings[0].remaining, 0U);
}

TEST(Decisions, of_buckets_remember_what_was_taken_too_much) {
  Asker bucket(Algorithm::token_bucket, {{Period::second, 10, 5}});
  bucket.add(100 * kSecond, 15);
  EXPECT_EQ(bucket.ask(100 * kSecond).retry_after_us, 1'100'000);
  Asker leaky(Algorithm::leaky_bucket, {{Period::second, 10, 0, kNoDelay}});
  leaky.ask(100 * kSecond);
  leaky.add(100 * kSecond, 3);
  EXPECT_EQ(leaky.ask(100 * kSecond).retry_after_us, 400'000);
}

TEST(SlidingWindow, counts_the_window_before_by_what_is_left_of_it) {
  Asker asker(Algorithm::sliding_window, {{Period::minute, 60}});
  EXPECT_EQ(asker.passed(59 * kSecond, 100), 60);
  EXPECT_EQ(asker.passed(90 * kSecond, 100), 30) << "half of the window before still counts";
  const Decision refused = asker.ask(90 * kSecond);
  EXPECT_TRUE(asker.ask(90 * kSecond + refused.retry_after_us - 1).refused);
  EXPECT_FALSE(asker.ask(90 * kSecond + refused.retry_after_us).refused);
}

TEST(SlidingWindow, says_when_the_next_window_has_room) {
  Asker asker(Algorithm::sliding_window, {{Period::minute, 60}});
  EXPECT_EQ(asker.passed(60 * kSecond, 100), 60);
  const Decision refused = asker.ask(61 * kSecond);
  EXPECT_GT(refused.retry_after_us, 59 * kSecond) << "all of them still count at the next window's begin";
  EXPECT_TRUE(asker.ask(61 * kSecond + refused.retry_after_us - 1, 1, Act::look).refused);
  EXPECT_FALSE(asker.ask(61 * kSecond + refused.retry_after_us).refused);
}

TEST(SlidingWindow, forgets_what_is_two_windows_old) {
  Asker asker(Algorithm::sliding_window, {{Period::second, 3}});
  EXPECT_EQ(asker.passed(5 * kSecond, 9), 3);
  EXPECT_EQ(asker.ask(7 * kSecond).standings[0].remaining, 2U);
}

TEST(TokenBucket, saves_up_a_burst_and_then_keeps_the_rate) {
  Asker asker(Algorithm::token_bucket, {{Period::second, 10, 5}});
  std::int64_t now = 100 * kSecond;
  int admitted = asker.passed(now, 20);
  EXPECT_EQ(admitted, 5);
  const Decision refused = asker.ask(now);
  EXPECT_EQ(refused.retry_after_us, 100'000);
  EXPECT_EQ(refused.standings[0].reset_us, now + 500'000);
  for (int i = 0; i < 1000; ++i) admitted += asker.passed(now += 10'000, 1);
  EXPECT_EQ(admitted, 5 + 100) << "ten seconds at ten a second";
}

TEST(TokenBucket, keeps_rates_that_no_microsecond_divides) {
  Asker asker(Algorithm::token_bucket, {{Period::second, 7, 1}});
  int admitted = 0;
  for (std::int64_t now = 100 * kSecond; now < 1100 * kSecond; now += 1000) admitted += asker.passed(now, 1);
  EXPECT_LE(admitted, 7000);
  EXPECT_GE(admitted, 6900) << "each waits up to a millisecond for its turn";
  Asker fast(Algorithm::token_bucket, {{Period::second, 1'000'000'000, 1000}});
  EXPECT_EQ(fast.passed(kSecond, 5000), 1000);
  EXPECT_EQ(fast.passed(kSecond + 1, 5000), 1000) << "a thousand a microsecond";
}

/// One identity's count under one limit and then another: a reload, or a consumer of another tier behind one address.
TEST(TokenBucket, counts_on_under_another_limit) {
  const std::int64_t now = 100 * kSecond;
  for (const auto& [first, second] : {std::pair<std::uint64_t, std::uint64_t>{20, 19}, {19, 20}, {20, 1000}, {7, 6}}) {
    const Limit before{Period::hour, first, first}, behind{Period::hour, second, second};
    Count count;
    Count* const pointer = &count;
    const auto ask = [&](const Limit& limit, std::int64_t at) {
      return decide({Algorithm::token_bucket, {&limit, 1}}, {&pointer, 1}, 1, Act::take, at);
    };
    for (std::uint64_t i = 0; i < first; ++i) ASSERT_FALSE(ask(before, now).refused);
    ASSERT_TRUE(ask(before, now).refused);
    /// How long it takes until so many tokens are back, by the second limit.
    const auto time_of = [&](std::uint64_t tokens) {
      return static_cast<std::int64_t>((tokens * 3600 * kSecond + second - 1) / second);
    };
    EXPECT_EQ(kept_until(Algorithm::token_bucket, behind, count, now) - now, time_of(first));
    const Decision there = ask(behind, now);
    if (second > first) {
      EXPECT_FALSE(there.refused);
      EXPECT_EQ(there.standings[0].remaining, second - first - 1) << "so many are missing as were taken";
      continue;
    }
    EXPECT_TRUE(there.refused);
    EXPECT_EQ(there.retry_after_us, time_of(first - second + 1));
    EXPECT_TRUE(ask(before, now).refused) << "and back";
    EXPECT_EQ(ask(before, now).standings[0].remaining, 0U);
  }
}

TEST(LeakyBucket, is_nginx_with_delay) {
  Asker asker(Algorithm::leaky_bucket, {{Period::second, 10, 5, 2}});
  const std::int64_t now = 100 * kSecond;
  for (const int delay_ms : {0, 0, 0, 100, 200, 300}) EXPECT_EQ(asker.ask(now).delay_us, delay_ms * 1000);
  const Decision refused = asker.ask(now);
  EXPECT_TRUE(refused.refused);
  EXPECT_EQ(refused.delay_us, 0);
  EXPECT_EQ(refused.retry_after_us, 100'000);
  EXPECT_FALSE(asker.ask(now + 100'000).refused) << "the refused one has changed nothing";
}

TEST(LeakyBucket, without_burst_lets_one_pass_at_a_time) {
  Asker asker(Algorithm::leaky_bucket, {{Period::minute, 30, 0, 0}});
  EXPECT_EQ(asker.passed(100 * kSecond, 3), 1);
  EXPECT_EQ(asker.passed(101'999'000, 3), 0);
  EXPECT_EQ(asker.passed(102'000'000, 3), 1);
}

TEST(Counts, are_kept_until_they_are_as_good_as_none) {
  const auto kept = [](Algorithm algorithm, const Limit& limit, std::int64_t now) {
    Count count;
    Count* const pointer = &count;
    decide({algorithm, {&limit, 1}}, {&pointer, 1}, 1, Act::take, now);
    const std::int64_t until = kept_until(algorithm, limit, count, now);
    Count fresh;
    Count* const other = &fresh;
    const Decision a = decide({algorithm, {&limit, 1}}, {&pointer, 1}, 1, Act::take, until);
    const Decision b = decide({algorithm, {&limit, 1}}, {&other, 1}, 1, Act::take, until);
    EXPECT_EQ(a.standings[0].remaining, b.standings[0].remaining);
    EXPECT_EQ(a.delay_us, b.delay_us);
    return until - now;
  };
  EXPECT_EQ(kept(Algorithm::fixed_window, {Period::minute, 5}, 61 * kSecond), 59 * kSecond);
  EXPECT_EQ(kept(Algorithm::sliding_window, {Period::minute, 5}, 61 * kSecond), 119 * kSecond);
  EXPECT_EQ(kept(Algorithm::token_bucket, {Period::second, 5, 5}, 61 * kSecond), 200'000);
  EXPECT_EQ(kept(Algorithm::leaky_bucket, {Period::second, 5, 5, 0}, 61 * kSecond), 201'000);
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
