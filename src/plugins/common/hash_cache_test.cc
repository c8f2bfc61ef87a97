#include "plugins/common/hash_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::plugins {
namespace {

Hash128 hash_of(int number) {
  return keyed_hash(std::to_string(number));
}

TEST(HashCache, forgets_a_value_when_its_time_is_over) {
  HashCache<int> cache;
  EXPECT_EQ(cache.find(hash_of(1), 0), nullptr);
  cache.keep(hash_of(1), 7, 100, 64);
  ASSERT_NE(cache.find(hash_of(1), 99), nullptr);
  EXPECT_EQ(*cache.find(hash_of(1), 99), 7);
  EXPECT_EQ(cache.find(hash_of(2), 99), nullptr);
  EXPECT_EQ(cache.find(hash_of(1), 100), nullptr);
  EXPECT_EQ(cache.find(hash_of(1), 99), nullptr) << "for good";
}

TEST(HashCache, is_bounded_and_keeps_what_is_used) {
  HashCache<int> cache;
  for (int i = 0; i < 1000; ++i) {
    cache.keep(hash_of(i), i, 1, 64);
    EXPECT_NE(cache.find(hash_of(0), 0), nullptr) << i << ": it is used all the time";
  }
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    if (const int* const found = cache.find(hash_of(i), 0)) {
      EXPECT_EQ(*found, i);
      ++kept;
    }
  }
  EXPECT_LE(kept, 64);
  EXPECT_GE(kept, 32);
}

TEST(HashCache, replaces_and_forgets_what_it_is_told) {
  HashCache<int> cache;
  cache.keep(hash_of(1), 1, 1, 8);
  cache.keep(hash_of(1), 2, 5, 8);
  EXPECT_EQ(*cache.find(hash_of(1), 3), 2);
  cache.forget(hash_of(1));
  EXPECT_EQ(cache.find(hash_of(1), 0), nullptr);
}

}  // namespace
}  // namespace gatehouse::plugins
