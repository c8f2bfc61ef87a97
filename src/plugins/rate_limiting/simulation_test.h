#pragma once
#include <ctime>
#include <deque>
#include <memory>
#include <vector>

#include "plugins/rate_limiting/limiter.h"

// Limiters in the simplest way there is, for tests. They share no code with what they judge.

namespace gatehouse::plugins::rate_limiting {

inline constexpr std::int64_t kSecond = 1'000'000;

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
  /// Its own time, which only goes on: it waits for a clock that was set back up to a minute, and goes with one that
  /// was set further.
  void pass(std::int64_t now) {
    if (now < seen_ && seen_ - now <= 60 * kSecond) return;
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

inline constexpr int kSeconds[kPeriods] = {1, 60, 3600, 86'400, 30 * 86'400, 365 * 86'400};

inline std::unique_ptr<Model> model_of(Algorithm algorithm, const Limit& limit) {
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

}  // namespace gatehouse::plugins::rate_limiting
