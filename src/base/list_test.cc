#include "base/list.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace gatehouse {
namespace {

struct Item {
  explicit Item(int number) : value(number) {}
  int value;
  ListHook hook;
  ListHook other;
};
using Items = List<Item, &Item::hook>;

std::vector<int> values(const Items& list) {
  std::vector<int> result;
  list.each([&](Item& item) { result.push_back(item.value); });
  return result;
}

TEST(List, keeps_the_order_of_insertion) {
  Item a(1), b(2), c(3);
  Items list;
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  list.push_back(b);
  list.push_front(c);
  EXPECT_EQ(values(list), (std::vector{3, 1, 2}));
  EXPECT_EQ(list.front().value, 3);
  EXPECT_EQ(list.back().value, 2);
  EXPECT_EQ(list.pop_front().value, 3);
  EXPECT_FALSE(c.hook.linked());
}

TEST(List, an_item_that_ends_leaves_the_list) {
  Items list;
  Item a(1), c(3);
  std::optional<Item> b(2);
  list.push_back(a);
  list.push_back(*b);
  list.push_back(c);
  b.reset();
  EXPECT_EQ(values(list), (std::vector{1, 3}));
}

TEST(List, unlinking_twice_is_harmless) {
  Items list;
  Item a(1);
  list.push_back(a);
  a.hook.unlink();
  a.hook.unlink();
  EXPECT_TRUE(list.empty());
}

TEST(List, a_list_that_ends_lets_its_items_go) {
  Item a(1);
  {
    Items list;
    list.push_back(a);
  }
  EXPECT_FALSE(a.hook.linked());
  Items next;
  next.push_back(a);
  EXPECT_EQ(values(next), (std::vector{1}));
}

TEST(List, the_visited_item_may_leave) {
  Items list;
  Item a(1), b(2), c(3);
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  list.each([](Item& item) {
    if (item.value != 2) item.hook.unlink();
  });
  EXPECT_EQ(values(list), (std::vector{2}));
}

TEST(List, splice_moves_everything_to_the_end) {
  Items first, second, none;
  Item a(1), b(2), c(3);
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.splice(second);
  first.splice(none);
  EXPECT_EQ(values(first), (std::vector{1, 2, 3}));
  EXPECT_TRUE(second.empty());
  none.splice(first);
  EXPECT_EQ(values(none), (std::vector{1, 2, 3}));
  EXPECT_TRUE(first.empty());
}

TEST(List, one_object_can_be_in_two_lists) {
  Items list;
  List<Item, &Item::other> others;
  Item a(1), b(2);
  list.push_back(a);
  others.push_back(b);
  others.push_back(a);
  EXPECT_EQ(&others.back(), &a);
  a.hook.unlink();
  EXPECT_EQ(&others.back(), &a);
}

}  // namespace
}  // namespace gatehouse
