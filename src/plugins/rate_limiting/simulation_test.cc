#include "plugins/rate_limiting/simulation_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "plugins/rate_limiting/store.h"

// Random requests through the limiters and through the models, with clocks that jump; and many at once, with the real
// one.

namespace gatehouse::plugins::rate_limiting {
namespace {

class Simulation {
 public:
  Simulation(Algorithm algorithm, std::uint64_t seed) : algorithm_(algorithm), random_(seed) {
    const bool leaky = algorithm == Algorithm::leaky_bucket;
    const std::size_t first = pick(leaky ? 2 : kPeriods),
                      count = 1 + pick(leaky ? 2 - first : std::min<std::size_t>(kPeriods - first, 3));
    std::uint64_t most = 1;
    for (std::size_t i = first; i < first + count; ++i) {
      most += pick(30);
      limits_.push_back({static_cast<Period>(i), most, pick(10) + (leaky ? 0 : 1), pick(4) == 0 ? kNoDelay : pick(6)});
      models_.push_back(model_of(algorithm, limits_.back()));
    }
    counts_.resize(limits_.size());
    for (Count& each : counts_) pointers_.push_back(&each);
    step_ = kSeconds[first] * kSecond / static_cast<std::int64_t>(most + 1);
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      move_clock();
      pick(20) == 0 ? charge_one() : ask_one();
    }
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void move_clock() {
    const std::uint64_t kind = pick(1000);
    const auto length = static_cast<std::uint64_t>(step_) * 40;
    if (kind < 970) {
      now_ += static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(step_) * 2));
    } else if (kind < 985) {
      now_ += static_cast<std::int64_t>(pick(length * 3));
    } else if (kind < 995) {
      now_ -= static_cast<std::int64_t>(pick(length / 4));
    } else {
      now_ -= static_cast<std::int64_t>(pick(length * 3));
    }
    now_ = std::max(now_, kStart - 5 * 365 * 86'400 * kSecond);
  }

  void ask_one() {
    const auto cost = static_cast<std::int64_t>(pick(5) == 0 ? pick(4) : 1);
    std::vector<std::int64_t> left;
    bool fits = true;
    std::int64_t delay = 0;
    for (auto& model : models_) {
      left.push_back(model->copy()->left(now_));
      fits = fits && (cost == 0 || left.back() >= cost);
    }
    if (fits && cost > 0) {
      for (auto& model : models_) delay = std::max(delay, model->copy()->delay_us(now_, cost));
      for (auto& model : models_) model->take(now_, cost);
    }
    const Decision decision = decide(rule(), pointers_, static_cast<std::uint64_t>(cost), Act::take, now_);
    ASSERT_EQ(decision.refused, !fits) << "at " << now_;
    ASSERT_EQ(decision.delay_us, delay);
    if (algorithm_ != Algorithm::leaky_bucket) {
      for (std::size_t i = 0; i < limits_.size(); ++i) {
        const std::int64_t remaining = std::max<std::int64_t>(left[i] - (fits ? cost : 0), 0);
        ASSERT_EQ(decision.standings[i].remaining, static_cast<std::uint64_t>(remaining));
      }
    }
    if (decision.refused) expect_room_in(decision.retry_after_us, static_cast<std::uint64_t>(cost));
  }

  void charge_one() {
    const std::uint64_t cost = 1 + pick(4);
    for (auto& model : models_) model->take(now_, static_cast<std::int64_t>(cost));
    charge(rule(), pointers_, cost, now_);
  }

  /// After the time that a refused request was told there is room for it, and not before.
  void expect_room_in(std::int64_t after, std::uint64_t cost) {
    for (const Limit& limit : limits_) {
      const bool bucket = algorithm_ == Algorithm::token_bucket || algorithm_ == Algorithm::leaky_bucket;
      const std::uint64_t most = algorithm_ == Algorithm::leaky_bucket ? limit.burst + 1
                                 : bucket                              ? limit.burst
                                                                       : limit.most;
      if (cost > most || bucket) return;
    }
    ASSERT_FALSE(peek(now_ + after, cost));
    ASSERT_TRUE(peek(now_ + after - 1, cost));
  }
  /// Whether it would be refused then.
  bool peek(std::int64_t then, std::uint64_t cost) {
    const std::vector<Count> kept = counts_;
    const bool refused = decide(rule(), pointers_, cost, Act::look, then).refused;
    counts_ = kept;
    return refused;
  }

  Rule rule() const { return {algorithm_, limits_}; }

  static constexpr std::int64_t kStart = 1'709'210'096'123'456;
  const Algorithm algorithm_;
  std::mt19937_64 random_;
  std::vector<Limit> limits_;
  std::vector<std::unique_ptr<Model>> models_;
  std::vector<Count> counts_;
  std::vector<Count*> pointers_;
  std::int64_t now_ = kStart, step_ = 0;
};

class Simulations : public ::testing::TestWithParam<Algorithm> {};

TEST_P(Simulations, decide_as_the_model_does) {
  for (std::uint64_t seed = 0; seed < 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(GetParam(), seed).run(2500);
  }
}

constexpr Algorithm kAlgorithms[] = {Algorithm::fixed_window, Algorithm::sliding_window, Algorithm::token_bucket,
                                     Algorithm::leaky_bucket};

INSTANTIATE_TEST_SUITE_P(Limiters, Simulations, ::testing::ValuesIn(kAlgorithms));

/// What the model admits of requests at these times, one after the other.
int admitted_by_model(Algorithm algorithm, const Limit& limit, const std::vector<std::int64_t>& times) {
  const auto model = model_of(algorithm, limit);
  int admitted = 0;
  for (const std::int64_t now : times) {
    if (model->left(now) < 1) continue;
    model->take(now, 1);
    ++admitted;
  }
  return admitted;
}

// Each thread reads the clock and then asks, so that others may have come in between with a later time.
TEST(Hammer, of_eight_threads_in_ten_seconds_passes_what_the_model_admits) {
  constexpr int kThreads = 8, kAtOnce = 10, kFastAtOnce = 100, kDrain = 200, kFastDrain = 20'100;
  constexpr std::size_t kFast =
      std::size(kAlgorithms);  // a bucket of which so much is taken that each microsecond counts
  const Limit slow{Period::second, 50, 20, kNoDelay}, fast{Period::second, 20'000, 20'000};
  LocalStore store(100'000);
  std::vector<std::int64_t> asked[kThreads];
  std::atomic<std::int64_t> passed[kFast + 1] = {};
  const auto ask = [&](std::size_t which, std::int64_t now) {
    const Rule rule{which == kFast ? Algorithm::token_bucket : kAlgorithms[which], {which == kFast ? &fast : &slow, 1}};
    passed[which] += !store.decide({which, 1}, rule, 1, Act::take, now).refused;
  };
  const auto drain = [&](std::int64_t now) {
    for (std::size_t which = 0; which <= kFast; ++which) {
      for (int i = 0; i < (which == kFast ? kFastDrain : kDrain); ++i) ask(which, now);
    }
  };
  const std::int64_t start = wall_clock_us(), end = start + 10 * kSecond;
  drain(start);
  std::vector<std::thread> threads;
  for (std::vector<std::int64_t>& times : asked) {
    threads.emplace_back([&] {
      while (times.empty() || times.back() < end) {
        for (int i = 0; i < kFastAtOnce; ++i) ask(kFast, wall_clock_us());
        for (int i = 0; i < kAtOnce; ++i) {
          times.push_back(wall_clock_us());
          for (std::size_t which = 0; which < kFast; ++which) ask(which, times.back());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(4));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::int64_t> times(kDrain, start);
  for (const auto& each : asked) times.insert(times.end(), each.begin(), each.end());
  std::ranges::sort(times);
  EXPECT_GT(times.size(), 10'000U);
  const std::int64_t last = times.back();
  times.insert(times.end(), kDrain, last);  // and what there is still left
  drain(last);
  for (std::size_t which = 0; which < kFast; ++which) {
    EXPECT_EQ(passed[which], admitted_by_model(kAlgorithms[which], slow, times)) << which;
  }
  const auto burst = static_cast<std::int64_t>(fast.burst), most = static_cast<std::int64_t>(fast.most);
  EXPECT_EQ(passed[kFast], burst + (last - start) * most / kSecond);
}

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
