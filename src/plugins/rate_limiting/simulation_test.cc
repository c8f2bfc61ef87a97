#include <gtest/gtest.h>

#include <ctime>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "plugins/rate_limiting/limiter.h"

// Random requests through the limiters and through models that say the same in the simplest way there is, with clocks
// that jump. The models share no code with what they judge.

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

class Model {
 public:
  virtual ~Model() = default;
  virtual std::unique_ptr<Model> copy() const = 0;
  /// How much may still be taken at `now`. Who is only looked at is asked as a copy.
  virtual std::int64_t left(std::int64_t now) = 0;
  virtual void take(std::int64_t now, std::int64_t cost) = 0;
  /// By which a request of `cost` that fits is delayed.
  virtual std::int64_t delay_us(std::int64_t, std::int64_t) { return 0; }
};

/// All that was taken, each with the window that it counts in.
class Windows : public Model {
 public:
  Windows(const Limit& limit, bool sliding) : limit_(limit), sliding_(sliding) {}
  std::unique_ptr<Model> copy() const override { return std::make_unique<Windows>(*this); }

  std::int64_t left(std::int64_t now) override {
    move(now);
    std::int64_t used = taken_in(current_);
    if (sliding_) {
      // The window before, its requests one after the other at even distances: the k-th from its end is still within a
      // period if k of so many steps are not more than what is left of this window.
      const std::int64_t before = taken_in(begin_of(current_ - 1)), end = end_of(current_);
      const std::int64_t length = end - current_, rest = std::min(end - now, length);
      for (std::int64_t k = 1; k <= before; ++k)
        used += static_cast<__int128>(k) * length <= static_cast<__int128>(before) * rest;
    }
    return static_cast<std::int64_t>(limit_.most) - used;
  }
  void take(std::int64_t now, std::int64_t cost) override {
    move(now);
    while (!log_.empty() && log_.front().first < begin_of(current_ - 1)) log_.pop_front();
    log_.emplace_back(current_, cost);
  }

 private:
  void move(std::int64_t now) {
    const std::int64_t begin = begin_of(now);
    if (started_ && end_of(begin) == current_) return;  // a little back: still the window where we were
    if (started_ && begin < current_) log_.clear();     // far back: another clock
    started_ = true;
    current_ = begin;
  }
  std::int64_t taken_in(std::int64_t window) const {
    std::int64_t sum = 0;
    for (const auto& [begin, cost] : log_) sum += begin == window ? cost : 0;
    return sum;
  }
  std::tm start(std::int64_t now) const {
    const std::time_t seconds = now / kSecond;
    std::tm date{};
    gmtime_r(&seconds, &date);
    if (limit_.period >= Period::minute) date.tm_sec = 0;
    if (limit_.period >= Period::hour) date.tm_min = 0;
    if (limit_.period >= Period::day) date.tm_hour = 0;
    if (limit_.period >= Period::month) date.tm_mday = 1;
    if (limit_.period >= Period::year) date.tm_mon = 0;
    return date;
  }
  std::int64_t begin_of(std::int64_t now) const {
    std::tm date = start(now);
    return timegm(&date) * kSecond;
  }
  std::int64_t end_of(std::int64_t begin) const {
    std::tm date = start(begin);
    int* const fields[] = {&date.tm_sec, &date.tm_min, &date.tm_hour, &date.tm_mday, &date.tm_mon, &date.tm_year};
    ++*fields[static_cast<std::size_t>(limit_.period)];
    return timegm(&date) * kSecond;
  }

  const Limit limit_;
  const bool sliding_;
  bool started_ = false;
  std::int64_t current_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>> log_;
};

/// A stream conforms to a bucket if from no request on more was taken than the burst and what came back since.
class Conformance : public Model {
 public:
  Conformance(const Limit& limit, std::int64_t period) : limit_(limit), period_(period) {}
  std::unique_ptr<Model> copy() const override { return std::make_unique<Conformance>(*this); }

  std::int64_t left(std::int64_t now) override {
    pass(now);
    const auto burst = static_cast<std::int64_t>(limit_.burst), most = static_cast<std::int64_t>(limit_.most);
    std::int64_t left = burst, sum = 0;
    bool whole = true;
    for (auto at = log_.rbegin(); at != log_.rend(); ++at) {
      sum += at->second;
      const __int128 room =
          static_cast<__int128>(burst - sum) * period_ + static_cast<__int128>(most) * (time_ - at->first);
      const auto tokens = static_cast<std::int64_t>(room >= 0 ? room / period_ : (room - period_ + 1) / period_);
      left = std::min(left, tokens);
      whole = whole && tokens >= burst;
    }
    if (whole) log_.clear();
    return left;
  }
  void take(std::int64_t now, std::int64_t cost) override {
    left(now);  // which forgets what has come back
    log_.emplace_back(time_, cost);
  }

 private:
  /// Its own time, which only goes on.
  void pass(std::int64_t now) {
    time_ += std::max<std::int64_t>(now - seen_, 0);
    seen_ = now;
  }
  const Limit limit_;
  const std::int64_t period_;
  std::int64_t time_ = 0, seen_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>> log_;
};

/// What nginx does, in its own steps.
class Nginx : public Model {
 public:
  Nginx(const Limit& limit, int seconds)
      : burst_(static_cast<std::int64_t>(limit.burst) * 1000),
        rate_(static_cast<std::int64_t>(limit.most) * 1000 / seconds),
        delay_(limit.delay == kNoDelay ? INT64_MAX : static_cast<std::int64_t>(limit.delay) * 1000) {}
  std::unique_ptr<Model> copy() const override { return std::make_unique<Nginx>(*this); }

  std::int64_t left(std::int64_t now) override {
    // The greatest cost that is not above the burst, by trying.
    std::int64_t cost = 0;
    while (excess_with(now, cost + 1) <= burst_) ++cost;
    return cost;
  }
  void take(std::int64_t now, std::int64_t cost) override {
    const std::int64_t excess = excess_with(now, cost), ms = passed(now);
    excess_ = excess;
    if (ms != 0 || !known_) last_ = now / 1000;
    known_ = true;
  }
  std::int64_t delay_us(std::int64_t now, std::int64_t cost) override {
    const std::int64_t excess = excess_with(now, cost);
    return excess <= delay_ ? 0 : (excess - delay_) * 1000 / rate_ * 1000;
  }

 private:
  std::int64_t passed(std::int64_t now) const {
    const std::int64_t ms = now / 1000 - last_;
    if (ms < -60000) return 1;
    return ms < 0 ? 0 : ms;
  }
  std::int64_t excess_with(std::int64_t now, std::int64_t cost) const {
    if (!known_) return (cost - 1) * 1000;
    std::int64_t excess = excess_ - rate_ * passed(now) / 1000 + 1000;
    if (excess < 0) excess = 0;
    return excess + (cost - 1) * 1000;
  }
  const std::int64_t burst_, rate_, delay_;
  bool known_ = false;
  std::int64_t last_ = 0, excess_ = 0;
};

constexpr int kSeconds[kPeriods] = {1, 60, 3600, 86'400, 30 * 86'400, 365 * 86'400};

std::unique_ptr<Model> model_of(Algorithm algorithm, const Limit& limit) {
  const int seconds = kSeconds[static_cast<std::size_t>(limit.period)];
  switch (algorithm) {
    case Algorithm::fixed_window:
      return std::make_unique<Windows>(limit, false);
    case Algorithm::sliding_window:
      return std::make_unique<Windows>(limit, true);
    case Algorithm::token_bucket:
      return std::make_unique<Conformance>(limit, seconds * kSecond);
    case Algorithm::leaky_bucket:
      return std::make_unique<Nginx>(limit, seconds);
  }
  return nullptr;
}

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
    const Decision decision = decide(rule(), pointers_, static_cast<std::uint64_t>(cost), true, now_);
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
    const bool refused = decide(rule(), pointers_, cost, false, then).refused;
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

INSTANTIATE_TEST_SUITE_P(Limiters, Simulations,
                         ::testing::Values(Algorithm::fixed_window, Algorithm::sliding_window, Algorithm::token_bucket,
                                           Algorithm::leaky_bucket));

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
