#include "base/sharded_table.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace gatehouse {
namespace {

using Table = ShardedTable<int>;

/// Adds to the key's value; -1 where there is no room.
int add(Table& table, const std::string& key, std::int64_t now, std::int64_t expires) {
  const Hash128 hash = keyed_hash(key);
  return table.with(hash, [&](Table::Shard& shard, std::size_t most) {
    return shard.reserve({&hash, 1}, now, most) ? ++shard.at(hash, now, expires) : -1;
  });
}

TEST(ShardedTable, keeps_values_until_their_time_is_over) {
  Table table(1000);
  EXPECT_EQ(add(table, "a", 1, 10), 1);
  EXPECT_EQ(add(table, "a", 2, 10), 2);
  EXPECT_EQ(add(table, "b", 2, 10), 1);
  EXPECT_EQ(add(table, "a", 9, 20), 3);
  EXPECT_EQ(add(table, "a", 15, 20), 4);
  EXPECT_EQ(add(table, "a", 20, 30), 1) << "over at 20";
}

TEST(ShardedTable, grows_and_makes_room_from_what_is_over) {
  Table table(100'000);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20'000; ++i)
      ASSERT_EQ(add(table, std::to_string(round) + "-" + std::to_string(i), round * 10 + 1, round * 10 + 10), 1);
    for (int i = 0; i < 20'000; i += 7)
      ASSERT_EQ(add(table, std::to_string(round) + "-" + std::to_string(i), round * 10 + 2, round * 10 + 10), 2);
  }
}

TEST(ShardedTable, forgets_nobody_when_it_is_flooded) {
  Table table(10'000);
  EXPECT_EQ(add(table, "me", 1, 1000), 1);
  int refused = 0;
  for (int i = 0; i < 50'000; ++i) refused += add(table, "flood-" + std::to_string(i), 2, 1000) < 0;
  EXPECT_GT(refused, 30'000);
  EXPECT_EQ(add(table, "me", 3, 1000), 2);
}

TEST(ShardedTable, counts_exactly_from_many_threads) {
  Table table(10'000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) add(table, std::to_string(i % 100), 1, 10);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(add(table, std::to_string(i), 2, 10), 801);
}

}  // namespace
}  // namespace gatehouse
