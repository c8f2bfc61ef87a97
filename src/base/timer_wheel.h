#pragma once
#include <array>
#include <cstdint>

#include "base/clock.h"
#include "base/list.h"

namespace gatehouse {

/// Something that wants to be told when a deadline has passed. Unlinks itself when destroyed.
struct TimerEntry {
  ListHook hook;
  TimePoint deadline = kNever;
};

/// A hierarchical timing wheel (Varghese and Lauck, 1987): arming and disarming cost O(1), whatever the number of
/// entries. Granularity is kTick: an entry fires at the first advance() not before its deadline, never early.
/// One thread; owns nothing.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(4);

  explicit TimerWheel(TimePoint start) : start_(start) {}

  /// Arms `entry` for `deadline`, replacing an earlier arming; kNever disarms.
  void arm(TimerEntry& entry, TimePoint deadline);
  static void disarm(TimerEntry& entry) { entry.hook.unlink(); }

  /// Moves the wheel to `now` and calls `fire(TimerEntry&)` for each entry that is due, unlinked.
  template <class Fire>
  void advance(TimePoint now, Fire&& fire) {
    collect(now);
    while (!due_.empty()) fire(due_.pop_front());
  }

  /// How long from `now` until advance() must be called next: exact within the first level, else an early bound.
  /// kOff where nothing is armed.
  Duration next(TimePoint now) const;

 private:
  static constexpr int kLevels = 5;
  static constexpr int kBits = 6;
  static constexpr std::uint64_t kSlots = 1u << kBits;
  using Slot = List<TimerEntry, &TimerEntry::hook>;

  std::uint64_t tick_of(TimePoint when) const;  ///< rounded up
  void insert(TimerEntry& entry);
  void collect(TimePoint now);

  TimePoint start_;
  std::uint64_t current_ = 0;  ///< ticks already processed
  std::array<std::array<Slot, kSlots>, kLevels> levels_;
  std::array<std::uint64_t, kLevels> occupied_{};  ///< a bit per slot that may hold entries
  Slot due_;
};

}  // namespace gatehouse
