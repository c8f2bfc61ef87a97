#pragma once
#include <chrono>

namespace gatehouse::test {

using Millis = std::chrono::milliseconds;

/// A sanitised program is several times slower; every wait in the tests is stretched by this.
#ifdef GATEHOUSE_SANITIZED
inline constexpr int kSlowness = 4;
#else
inline constexpr int kSlowness = 1;
#endif

/// The longest that a test waits for something which must happen. Reaching it is always a failure.
inline constexpr Millis kPatience{5000 * kSlowness};

/// A moment on the steady clock until which a wait may last.
class Deadline {
 public:
  explicit Deadline(Millis after = kPatience) : at_(std::chrono::steady_clock::now() + after) {}
  bool passed() const { return std::chrono::steady_clock::now() >= at_; }
  /// Milliseconds that are left, rounded up, never below 0: what poll(2) takes.
  int left() const {
    auto rest = at_ - std::chrono::steady_clock::now();
    return rest.count() <= 0 ? 0 : static_cast<int>(std::chrono::ceil<Millis>(rest).count());
  }
  std::chrono::steady_clock::time_point at() const { return at_; }

 private:
  std::chrono::steady_clock::time_point at_;
};

/// Measures how long something took.
class Stopwatch {
 public:
  Millis elapsed() const { return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start_); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace gatehouse::test
