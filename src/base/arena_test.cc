#include "base/arena.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse {
namespace {

TEST(Arena, aligns_and_never_overlaps) {
  Arena arena;
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  unsigned char mark = 0;
  for (std::size_t size : {1u, 3u, 16u, 100u, 5000u, 16384u, 7u, 200000u, 64u, 0u, 16368u}) {
    for (std::size_t align : {1u, 2u, 8u, 16u}) {
      auto* block = static_cast<unsigned char*>(arena.allocate(size, align));
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % align, 0u);
      std::memset(block, ++mark, size);
      blocks.emplace_back(block, size);
    }
  }
  mark = 0;
  for (const auto& [block, size] : blocks) {
    ++mark;
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(block[i], mark);
  }
}

TEST(Arena, an_empty_allocation_is_not_null) {
  Arena arena;
  EXPECT_NE(arena.allocate(0, 1), nullptr);
  EXPECT_NE(arena.copy("").data(), nullptr);
  EXPECT_EQ(arena.concat("", std::string_view()), "");
}

TEST(Arena, copies_and_concatenates) {
  Arena arena;
  std::string text = "hello";
  const std::string_view copy = arena.copy(text);
  text = "other";
  EXPECT_EQ(copy, "hello");
  EXPECT_EQ(arena.concat(copy, ", ", std::string("world"), ""), "hello, world");
}

TEST(Arena, takes_back_what_was_reserved_too_much) {
  Arena arena;
  char* const room = arena.reserve(1000);
  arena.take_back(990);
  EXPECT_EQ(static_cast<char*>(arena.allocate(1, 1)), room + 10);
}

TEST(Arena, uses_an_adopted_block_first) {
  alignas(16) char block[256];
  Arena arena;
  arena.adopt(block, sizeof block);
  EXPECT_EQ(arena.allocate(200), block);
  void* const next = arena.allocate(100);
  EXPECT_FALSE(next >= block && next < block + sizeof block);
  arena.reset();
  EXPECT_EQ(arena.copy("again"), "again");
}

TEST(Arena, makes_objects_and_arrays) {
  struct Point {
    int x;
    int y;
  };
  Arena arena;
  const Point* const point = arena.make<Point>(1, 2);
  EXPECT_EQ(point->x + point->y, 3);
  auto* const numbers = arena.array<std::uint64_t>(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers) % alignof(std::uint64_t), 0u);
}

TEST(BlockPool, gives_a_block_again_after_it_came_back) {
#ifdef GATEHOUSE_SANITIZED
  GTEST_SKIP() << "the pool passes every block to malloc under sanitizers";
#else
  for (std::size_t size : {std::size_t{1}, std::size_t{64}, std::size_t{65}, BlockPool::kMaxSmall, BlockPool::kBuffer,
                           BlockPool::kLarge}) {
    void* const block = BlockPool::take(size);
    std::memset(block, 1, size);
    BlockPool::give(block, size);
    void* const again = BlockPool::take(size);
    EXPECT_EQ(again, block) << size;
    BlockPool::give(again, size);
  }
  BlockPool::trim();
#endif
}

TEST(BlockPool, takes_any_size) {
  for (std::size_t size : {std::size_t{0}, BlockPool::kMaxSmall + 1, BlockPool::kLarge + 1, std::size_t{1} << 20}) {
    void* const block = BlockPool::take(size);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u);
    std::memset(block, 1, size);
    BlockPool::give(block, size);
  }
}

TEST(PooledBuffer, moves_its_block) {
  PooledBuffer first(BlockPool::kBuffer);
  char* const data = first.data();
  PooledBuffer second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): the state after a move is part of the contract
  first = std::move(second);
  EXPECT_EQ(first.data(), data);
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_EQ(first.size(), 0u);
}

}  // namespace
}  // namespace gatehouse
