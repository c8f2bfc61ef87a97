#include "engine/explain/test_shop.h"

namespace gatehouse::engine {
namespace {

using namespace explaining::testing;
using ::testing::ElementsAre;

TEST(RoutesJson, has_the_routes_in_their_order_with_conditions_action_and_plugins) {
  const Node tree = as_tree(routes_json(*snapshot_of("plugins: [{name: tags}]\n" + std::string(kShop))));
  std::vector<std::string> names;
  for (const Node& route : tree.items()) names.push_back(route.find("name")->text());
  EXPECT_THAT(names, ElementsAre("tea", "create", "old", "shadow", "users"));
  EXPECT_EQ(at(tree, {"1", "conditions", "methods", "0"}), "POST");
  EXPECT_EQ(at(tree, {"1", "conditions", "path", "0"}), "/users/{id}");
  EXPECT_EQ(at(tree, {"1", "place"}), "t.yaml:8");
  EXPECT_EQ(at(tree, {"4", "action", "service"}), "users");
  EXPECT_EQ(at(tree, {"2", "action", "redirect", "location"}), "https://x.example/{id}");
  EXPECT_EQ(at(tree, {"4", "plugins", "0", "name"}), "tags");
  EXPECT_EQ(at(tree, {"4", "plugins", "0", "level"}), "global");
}

}  // namespace
}  // namespace gatehouse::engine
