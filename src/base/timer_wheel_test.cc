#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

const TimePoint kStart = TimePoint(hours(1000));

struct Entry {
  TimerEntry timer;  // first: the wheel hands back its address
  TimePoint deadline = kNever;
  bool armed = false;
};

/// The wheel beside a flat list of deadlines: an entry must fire in the first advance that is a whole tick past its
/// deadline and in none that is before it.
class Model {
 public:
  explicit Model(std::size_t size) : wheel_(kStart) {
    for (std::size_t i = 0; i < size; ++i) entries_.push_back(std::make_unique<Entry>());
  }
  std::size_t size() const { return entries_.size(); }
  TimePoint now() const { return now_; }
  void arm(std::size_t index, TimePoint deadline) {
    Entry& entry = *entries_[index];
    entry.deadline = deadline;
    entry.armed = deadline != kNever;
    armed_at_[&entry] = now_;
    wheel_.arm(entry.timer, deadline);
  }
  void disarm(std::size_t index) {
    TimerWheel::disarm(entries_[index]->timer);
    entries_[index]->armed = false;
  }
  void replace(std::size_t index) { entries_[index] = std::make_unique<Entry>(); }
  void advance(Duration by) {
    now_ += by;
    wheel_.advance(now_, [this](TimerEntry& timer) {
      Entry& entry = reinterpret_cast<Entry&>(timer);
      ASSERT_TRUE(entry.armed) << "fired though not armed";
      ASSERT_FALSE(timer.hook.linked());
      ASSERT_LE(entry.deadline, now_) << "fired early";
      entry.armed = false;
      ++fired_;
    });
    for (const auto& entry : entries_) {
      if (!entry->armed) continue;
      // What was armed for the past waits for the next tick after it was armed.
      const TimePoint due = std::max(entry->deadline, armed_at_[entry.get()]) + 2 * TimerWheel::kTick;
      ASSERT_GT(due, now_) << "not fired though due";
    }
  }
  /// The bound must not lie behind the nearest deadline, or a sleeping loop would miss it.
  void check_next() const {
    TimePoint nearest = kNever;
    for (const auto& entry : entries_) {
      if (entry->armed) nearest = std::min(nearest, std::max(entry->deadline, now_));
    }
    const Duration next = wheel_.next(now_);
    ASSERT_GE(next, Duration::zero());
    if (nearest != kNever) ASSERT_LT(next, nearest - now_ + 2 * TimerWheel::kTick);
  }
  Duration next() const { return wheel_.next(now_); }
  int fired() const { return fired_; }

 private:
  TimerWheel wheel_;
  TimePoint now_ = kStart;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<Entry*, TimePoint> armed_at_;
  int fired_ = 0;
};

class TimerWheelModel : public testing::TestWithParam<int> {};

TEST_P(TimerWheelModel, agrees_with_a_flat_list_of_deadlines) {
  std::mt19937_64 random(static_cast<unsigned>(GetParam()));
  Model model(60);
  auto span = [&](int most_bits) {
    const int bits = static_cast<int>(random() % static_cast<unsigned>(most_bits));
    return Duration(static_cast<std::int64_t>(random() & ((1ull << bits) - 1)));
  };
  for (int step = 0; step < 1500 && !testing::Test::HasFatalFailure(); ++step) {
    for (int i = 0; i < 6; ++i) {
      const std::size_t index = random() % model.size();
      switch (random() % 8) {
        case 0:
          model.disarm(index);
          break;
        case 1:
          model.replace(index);
          break;
        case 2:
          model.arm(index, kNever);
          break;
        case 3:
          model.arm(index, model.now() - span(35));
          break;
        default:
          model.arm(index, model.now() + span(47));
          break;  // up to 39 hours
      }
    }
    model.check_next();
    model.advance(span(random() % 50 == 0 ? 44 : 33));
    model.check_next();
  }
  EXPECT_GT(model.fired(), 200);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerWheelModel, testing::Range(1, 9));

TEST(TimerWheel, fires_at_the_first_tick_not_before_the_deadline) {
  TimerWheel wheel(kStart);
  TimerEntry entry;
  int fired = 0;
  auto count = [&](TimerEntry&) { ++fired; };
  wheel.arm(entry, kStart + milliseconds(10));
  wheel.advance(kStart + milliseconds(9), count);
  EXPECT_EQ(fired, 0);
  wheel.advance(kStart + milliseconds(12), count);
  EXPECT_EQ(fired, 1);
  wheel.advance(kStart + hours(1), count);
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, sleeps_without_end_where_nothing_is_armed) {
  TimerWheel wheel(kStart);
  EXPECT_EQ(wheel.next(kStart), kOff);
  TimerEntry entry;
  wheel.arm(entry, kStart + milliseconds(100));
  EXPECT_EQ(wheel.next(kStart), milliseconds(100));
  EXPECT_EQ(wheel.next(kStart + milliseconds(200)), Duration::zero());
}

TEST(TimerWheel, an_entry_that_ends_leaves_the_wheel) {
  TimerWheel wheel(kStart);
  {
    TimerEntry entry;
    wheel.arm(entry, kStart + milliseconds(20));
  }
  wheel.advance(kStart + milliseconds(50), [](TimerEntry&) { FAIL() << "a dead entry fired"; });
}

TEST(TimerWheel, holds_deadlines_beyond_its_span) {
  TimerWheel wheel(kStart);
  TimerEntry entry;
  const TimePoint deadline = kStart + hours(24 * 120);  // the wheel turns round in some 50 days
  wheel.arm(entry, deadline);
  int fired = 0;
  for (TimePoint now = kStart; now < deadline; now += hours(12)) {
    wheel.advance(now, [&](TimerEntry&) { ++fired; });
    ASSERT_EQ(fired, 0);
    ASSERT_LE(wheel.next(now), deadline - now);
  }
  wheel.advance(deadline, [&](TimerEntry&) { ++fired; });
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, does_not_sleep_past_an_entry_behind_the_turn_of_the_last_level) {
  TimerWheel wheel(kStart);
  const TimePoint turn = kStart + TimerWheel::kTick * (1ll << 30);
  wheel.advance(turn - hours(1), [](TimerEntry&) {});
  TimerEntry entry;
  wheel.arm(entry, turn + milliseconds(100));
  EXPECT_LE(wheel.next(turn - hours(1)), hours(1) + milliseconds(100));
}

TEST(TimerWheel, an_entry_may_be_armed_again_while_it_fires) {
  TimerWheel wheel(kStart);
  TimerEntry entry;
  wheel.arm(entry, kStart + milliseconds(8));
  int fired = 0;
  TimePoint now = kStart;
  for (int i = 0; i < 20; ++i) {
    now += milliseconds(8);
    wheel.advance(now, [&](TimerEntry& due) {
      ++fired;
      wheel.arm(due, now + milliseconds(8));
    });
  }
  EXPECT_EQ(fired, 20);
}

}  // namespace
}  // namespace gatehouse
