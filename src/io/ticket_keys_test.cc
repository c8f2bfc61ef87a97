#include "io/ticket_keys.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace gatehouse::io {
namespace {

bool same(const TicketKeys::Key& a, const TicketKeys::Key& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

TEST(TicketKeys, rotate_and_keep_the_one_before) {
  TicketKeys keys;
  const TimePoint start{std::chrono::hours(100)};
  const auto first = keys.at(start);
  ASSERT_NE(first, nullptr);
  EXPECT_FALSE(first->has_previous);
  EXPECT_EQ(keys.at(start + TicketKeys::kRotation / 2), first);
  const auto second = keys.at(start + TicketKeys::kRotation);
  EXPECT_FALSE(same(second->current, first->current));
  ASSERT_TRUE(second->has_previous);
  EXPECT_TRUE(same(second->previous, first->current));
}

TEST(TicketKeys, forget_what_is_too_old) {
  TicketKeys keys;
  const TimePoint start{std::chrono::hours(100)};
  (void)keys.at(start);
  EXPECT_FALSE(keys.at(start + 3 * TicketKeys::kRotation)->has_previous);
}

TEST(TicketKeys, are_the_same_for_all_threads) {
  TicketKeys keys;
  const TimePoint start{std::chrono::hours(100)};
  const TicketKeys::Set* seen[4];
  for (int hour = 0; hour < 50; ++hour) {
    std::vector<std::thread> threads;
    for (auto& each : seen) threads.emplace_back([&] { each = keys.at(start + hour * TicketKeys::kRotation); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& each : seen) EXPECT_EQ(each, seen[0]);
  }
}

}  // namespace
}  // namespace gatehouse::io
