#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace gatehouse {

std::uint64_t TimerWheel::tick_of(TimePoint when) const {
  if (when <= start_) return 0;
  const auto elapsed = static_cast<std::uint64_t>((when - start_).count());
  const auto tick = static_cast<std::uint64_t>(kTick.count());
  return elapsed / tick + (elapsed % tick != 0);
}

void TimerWheel::arm(TimerEntry& entry, TimePoint deadline) {
  entry.hook.unlink();
  entry.deadline = deadline;
  if (deadline != kNever) insert(entry);
}

void TimerWheel::insert(TimerEntry& entry) {
  constexpr std::uint64_t kSpan = 1ull << (kBits * kLevels);
  std::uint64_t at = std::max(tick_of(entry.deadline), current_ + 1);
  at = std::min(at, current_ + kSpan - kSlots);  // beyond the last level: looked at again when its slot comes up
  // The level is that of the highest digit in which the tick differs from now.
  const std::uint64_t differs = at ^ current_;
  const int level = std::min((63 - std::countl_zero(differs | 1)) / kBits, kLevels - 1);
  const std::uint64_t slot = (at >> (level * kBits)) & (kSlots - 1);
  levels_[level][slot].push_back(entry);
  occupied_[level] |= 1ull << slot;
}

void TimerWheel::collect(TimePoint now) {
  if (now <= start_) return;
  const std::uint64_t target =
      static_cast<std::uint64_t>((now - start_).count()) / static_cast<std::uint64_t>(kTick.count());
  while (current_ < target) {
    const std::uint64_t slot_now = current_ & (kSlots - 1);
    // Skip to the next occupied slot of the first level or to its end, where higher levels cascade.
    const std::uint64_t ahead = slot_now + 1 < kSlots ? occupied_[0] >> (slot_now + 1) : 0;
    const std::uint64_t step = ahead != 0 ? static_cast<std::uint64_t>(std::countr_zero(ahead)) + 1 : kSlots - slot_now;
    if (current_ + step > target) {
      current_ = target;
      return;
    }
    current_ += step;
    for (int level = 1; level < kLevels; ++level) {
      if ((current_ & ((1ull << (level * kBits)) - 1)) != 0) break;
      const std::uint64_t slot = (current_ >> (level * kBits)) & (kSlots - 1);
      occupied_[level] &= ~(1ull << slot);
      Slot moved;
      moved.splice(levels_[level][slot]);
      while (!moved.empty()) {
        TimerEntry& entry = moved.pop_front();
        if (tick_of(entry.deadline) <= current_) {
          due_.push_back(entry);
        } else {
          insert(entry);
        }
      }
    }
    const std::uint64_t slot = current_ & (kSlots - 1);
    occupied_[0] &= ~(1ull << slot);
    due_.splice(levels_[0][slot]);
  }
}

Duration TimerWheel::next(TimePoint now) const {
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t digit = (current_ >> (level * kBits)) & (kSlots - 1);
    const std::uint64_t ahead = digit + 1 < kSlots ? occupied_[level] >> (digit + 1) : 0;
    if (ahead == 0) continue;
    const std::uint64_t step = static_cast<std::uint64_t>(std::countr_zero(ahead)) + 1;
    const std::uint64_t base = (current_ >> (level * kBits)) + step;
    const TimePoint when = start_ + kTick * static_cast<std::int64_t>(base << (level * kBits));
    return std::max(when - now, Duration::zero());
  }
  if (occupied_[kLevels - 1] == 0) return kOff;
  // The last level wraps round: what is behind its digit comes in the next turn, its first slot with the next digit.
  constexpr int kShift = kBits * (kLevels - 1);
  const TimePoint when = start_ + kTick * static_cast<std::int64_t>(((current_ >> kShift) + 1) << kShift);
  return std::max(when - now, Duration::zero());
}

}  // namespace gatehouse
