#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <chrono>
#include <memory>

namespace gatehouse::log {

std::atomic<Level> detail::threshold{Level::info};

namespace {

constexpr std::array<std::string_view, 5> kWords{"trace", "debug", "info", "warn", "error"};

std::atomic<RateLimit*> suppressing{nullptr};  // every limit that ever held something back; never shrinks

// The level word is part of the payload: spdlog's own says "warning" where the configuration says "warn".
spdlog::logger& logger() {
  static spdlog::logger* const instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    // Never destroyed: threads may still write while the process ends.
    auto* made = new spdlog::logger("gatehouse", std::move(sink));
    made->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

void append_escaped(fmt::memory_buffer& line, std::string_view message) {
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      line.push_back(c);
    } else if (c == '\n') {
      line.append(std::string_view("\\n"));
    } else {
      fmt::format_to(fmt::appender(line), "\\x{:02x}", byte);
    }
  }
}

}  // namespace

void set_level(Level level) {
  detail::threshold.store(level, std::memory_order_relaxed);
}

std::string_view to_string(Level level) {
  return kWords[static_cast<std::size_t>(level)];
}

bool parse_level(std::string_view word, Level& level) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

void write(Level level, std::string_view message) noexcept {
  try {
    fmt::memory_buffer line;
    line.append(to_string(level));
    line.push_back(' ');
    append_escaped(line, message);
    const spdlog::log_clock::time_point now{std::chrono::microseconds(wall_clock_us())};
    logger().log(now, spdlog::source_loc{}, spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {  // out of memory: a diagnostic line is not worth a worker
  }
}

bool RateLimit::admit(TimePoint now) noexcept {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  std::int64_t seen = second_.load(std::memory_order_relaxed);
  if (seen != second && second_.compare_exchange_strong(seen, second, std::memory_order_relaxed)) {
    admitted_.store(0, std::memory_order_relaxed);
    report();
  }
  // The look before the add keeps a storm from running the counter round.
  if (admitted_.load(std::memory_order_relaxed) < per_second_ &&
      admitted_.fetch_add(1, std::memory_order_relaxed) < per_second_) {
    return true;
  }
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  if (!listed_.exchange(true, std::memory_order_relaxed)) {
    next_ = suppressing.load(std::memory_order_relaxed);
    while (!suppressing.compare_exchange_weak(next_, this, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  return false;
}

void RateLimit::report() noexcept {
  const std::uint64_t count = suppressed_.exchange(0, std::memory_order_relaxed);
  if (count == 0) return;
  try {
    write(level_, fmt::format("similar messages suppressed={} like=\"{}\"", count, what_));
  } catch (...) {  // as in write()
  }
}

void report_suppressed(TimePoint now) noexcept {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  for (RateLimit* limit = suppressing.load(std::memory_order_acquire); limit != nullptr; limit = limit->next_) {
    if (limit->second_.load(std::memory_order_relaxed) < second) limit->report();
  }
}

}  // namespace gatehouse::log
