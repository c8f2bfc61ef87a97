#include "base/log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex.h>

#include <string>
#include <thread>
#include <vector>

namespace gatehouse::log {
namespace {

using testing::HasSubstr;
using testing::Not;

class Log : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  void TearDown() override {
    if (!taken_) text();
    set_level(Level::info);
  }
  std::string text() {
    taken_ = true;
    return testing::internal::GetCapturedStderr();
  }
  static std::vector<std::string> lines(const std::string& of) {
    std::vector<std::string> out;
    for (std::size_t at = 0, end; (end = of.find('\n', at)) != std::string::npos; at = end + 1) {
      out.push_back(of.substr(at, end - at));
    }
    return out;
  }
  bool taken_ = false;
};

TEST_F(Log, writes_time_level_and_message_on_one_line) {
  GH_LOG_INFO("config reloaded routes={}", 12);
  const std::string line = text();
  regex_t shape;
  ASSERT_EQ(0, regcomp(&shape,
                       "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z info config "
                       "reloaded routes=12\n$",
                       REG_EXTENDED | REG_NOSUB));
  EXPECT_EQ(0, regexec(&shape, line.c_str(), 0, nullptr, 0)) << line;
  regfree(&shape);
}

TEST_F(Log, writes_the_wall_clock_in_utc) {
  const std::int64_t before = wall_clock_us() / 1000000;
  GH_LOG_ERROR("x");
  const std::int64_t after = wall_clock_us() / 1000000;
  tm parts{};
  ASSERT_NE(nullptr, strptime(text().c_str(), "%Y-%m-%dT%H:%M:%S", &parts));
  const std::int64_t written = timegm(&parts);
  EXPECT_LE(before, written);
  EXPECT_GE(after, written);
}

TEST_F(Log, leaves_out_what_is_below_the_level_and_does_not_format_it) {
  int formatted = 0;
  const auto value = [&formatted] { return ++formatted; };
  GH_LOG_DEBUG("hidden {}", value());
  set_level(Level::debug);
  GH_LOG_DEBUG("shown {}", value());
  GH_LOG_TRACE("hidden {}", value());
  EXPECT_EQ(1, formatted);
  const std::string out = text();
  EXPECT_THAT(out, HasSubstr(" debug shown 1\n"));
  EXPECT_THAT(out, Not(HasSubstr("hidden")));
}

TEST_F(Log, names_its_levels_as_the_configuration_does) {
  for (const Level each : {Level::trace, Level::debug, Level::info, Level::warn, Level::error}) {
    Level parsed = Level::info;
    ASSERT_TRUE(parse_level(to_string(each), parsed));
    EXPECT_EQ(each, parsed);
  }
  Level untouched = Level::error;
  EXPECT_FALSE(parse_level("warning", untouched));
  EXPECT_EQ(Level::error, untouched);
  GH_LOG_WARN("careful");
  EXPECT_THAT(text(), HasSubstr(" warn careful\n"));
}

TEST_F(Log, escapes_control_characters_so_that_no_line_can_be_forged) {
  GH_LOG_INFO("name={}", "a\n2026-01-01T00:00:00.000Z error forged\r\x1b[31m\x7f");
  const auto out = lines(text());
  ASSERT_EQ(1u, out.size());
  EXPECT_THAT(out[0], HasSubstr("name=a\\n2026-01-01T00:00:00.000Z error forged\\x0d\\x1b[31m\\x7f"));
}

TEST_F(Log, limits_a_repeated_message_and_then_says_how_many_were_held_back) {
  static RateLimit limit(Level::warn, 3, "target refused");
  const TimePoint start{std::chrono::seconds(100)};
  int admitted = 0;
  for (int i = 0; i < 10; ++i) admitted += limit.admit(start + std::chrono::milliseconds(i)) ? 1 : 0;
  EXPECT_EQ(3, admitted);
  EXPECT_TRUE(limit.admit(start + std::chrono::seconds(1)));
  EXPECT_THAT(text(), HasSubstr(" warn similar messages suppressed=7 like=\"target refused\"\n"));
}

TEST_F(Log, reports_held_back_messages_when_the_storm_is_over) {
  static RateLimit limit(Level::error, 1, "storm");
  const TimePoint start{std::chrono::seconds(200)};
  for (int i = 0; i < 5; ++i) limit.admit(start);
  report_suppressed(start + std::chrono::milliseconds(500));  // the second is not over
  report_suppressed(start + std::chrono::seconds(1));
  report_suppressed(start + std::chrono::seconds(2));  // told already
  const auto out = lines(text());
  ASSERT_EQ(1u, out.size());
  EXPECT_THAT(out[0], HasSubstr("suppressed=4 like=\"storm\""));
}

TEST_F(Log, limits_per_place_in_the_code) {
  for (int i = 0; i < 50; ++i) GH_LOG_LIMITED(error, 2, "one i={}", i);
  GH_LOG_LIMITED(error, 2, "two");
  const std::string out = text();
  EXPECT_THAT(out, HasSubstr("one i=0\n"));
  EXPECT_THAT(out, HasSubstr("one i=1\n"));
  EXPECT_THAT(out, HasSubstr("error two\n"));
  EXPECT_LE(lines(out).size(), 8u);  // the clock's second may change on the way
}

TEST_F(Log, keeps_lines_whole_and_counts_right_with_many_threads) {
  static RateLimit limit(Level::warn, 10, "shared");
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &admitted] {
      for (int i = 0; i < 200; ++i) {
        GH_LOG_INFO("thread={} i={} end", t, i);
        if (limit.admit(TimePoint{std::chrono::seconds(300)})) admitted.fetch_add(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  report_suppressed(TimePoint{std::chrono::seconds(301)});
  const auto out = lines(text());
  ASSERT_EQ(801u, out.size());
  for (std::size_t i = 0; i < 800; ++i) EXPECT_TRUE(out[i].ends_with(" end")) << out[i];
  EXPECT_THAT(out[800], HasSubstr("suppressed=790"));
  EXPECT_EQ(10, admitted.load());
}

}  // namespace
}  // namespace gatehouse::log
