#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/clock.h"

/// The diagnostics log: what an operator reads about the gateway itself. One line a message on stderr:
///
///     2026-01-02T03:04:05.678Z info config reloaded routes=12
///
/// Any thread. Call sites include <fmt/format.h> and use the macros below; the message is only formatted if its level
/// is on. On the data path use GH_LOG_LIMITED. Requests have their own log (telemetry/access_log.h).
namespace gatehouse::log {

enum class Level : std::uint8_t { trace, debug, info, warn, error };

namespace detail {
extern std::atomic<Level> threshold;
}

/// Messages below `level` are not written from now on. The default is info.
void set_level(Level level);
inline Level level() {
  return detail::threshold.load(std::memory_order_relaxed);
}
inline bool enabled(Level of) {
  return of >= level();
}

/// "trace" … "error".
std::string_view to_string(Level level);
/// False and `level` untouched if `word` is none of them.
bool parse_level(std::string_view word, Level& level);

/// Writes one line whatever the threshold is. Control characters in `message` are escaped, so that no input can forge a
/// line.
void write(Level level, std::string_view message) noexcept;

/// Lets the first `per_second` messages of each second through and counts the rest. Any thread; of static storage
/// duration only (each remembers itself for report_suppressed()).
class RateLimit {
 public:
  /// `what` names the message in the count; a literal.
  constexpr RateLimit(Level level, std::uint32_t per_second, const char* what)
      : level_(level), per_second_(per_second), what_(what) {}
  RateLimit(const RateLimit&) = delete;
  RateLimit& operator=(const RateLimit&) = delete;

  /// Whether to write a message at `now`. The first call in a new second writes the count of the second before.
  bool admit(TimePoint now) noexcept;
  bool admit() noexcept { return admit(steady_now()); }

 private:
  friend void report_suppressed(TimePoint now) noexcept;
  void report() noexcept;

  const Level level_;
  const std::uint32_t per_second_;
  const char* const what_;
  std::atomic<std::int64_t> second_{-1};
  std::atomic<std::uint32_t> admitted_{0};
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<bool> listed_{false};
  RateLimit* next_ = nullptr;
};

/// Writes the counts of limits whose second is over and that nothing asked since. The control thread calls it now and
/// then.
void report_suppressed(TimePoint now) noexcept;

}  // namespace gatehouse::log

#define GH_LOG(level_, ...)                                        \
  do {                                                             \
    if (::gatehouse::log::enabled(level_)) {                       \
      ::gatehouse::log::write(level_, ::fmt::format(__VA_ARGS__)); \
    }                                                              \
  } while (false)

#define GH_LOG_TRACE(...) GH_LOG(::gatehouse::log::Level::trace, __VA_ARGS__)
#define GH_LOG_DEBUG(...) GH_LOG(::gatehouse::log::Level::debug, __VA_ARGS__)
#define GH_LOG_INFO(...) GH_LOG(::gatehouse::log::Level::info, __VA_ARGS__)
#define GH_LOG_WARN(...) GH_LOG(::gatehouse::log::Level::warn, __VA_ARGS__)
#define GH_LOG_ERROR(...) GH_LOG(::gatehouse::log::Level::error, __VA_ARGS__)

/// GH_LOG_LIMITED(warn, 5, "upstream refused target={}", target): at most 5 lines a second from this place, then a
/// count.
#define GH_LOG_LIMITED(word_, per_second_, format_, ...)                                                          \
  do {                                                                                                            \
    static constinit ::gatehouse::log::RateLimit limit_(::gatehouse::log::Level::word_, per_second_, format_);    \
    if (::gatehouse::log::enabled(::gatehouse::log::Level::word_) && limit_.admit()) {                            \
      ::gatehouse::log::write(::gatehouse::log::Level::word_, ::fmt::format(format_ __VA_OPT__(, ) __VA_ARGS__)); \
    }                                                                                                             \
  } while (false)
