#include "plugin/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace gatehouse::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Requests : public Plugin {
 public:
  Verdict on_request(Exchange&) const noexcept override { return Verdict::proceed; }
};
class Everything : public Requests {
 public:
  void on_attempt(Exchange&, Attempt&) const noexcept override {}
  Verdict on_response(Exchange&) const noexcept override { return Verdict::proceed; }
  void on_body(Exchange&, const BodyChunk&) const noexcept override {}
  void on_complete(const Exchange&) const noexcept override {}
};

/// Levels of instances whose uses live as long as it does.
class Levels {
 public:
  using Level = std::vector<Instance>;

  Instance instance(const PluginType& type, int rank, std::string place, std::string name = "", bool enabled = true) {
    config::PluginUse& use = uses_.emplace_back();
    use.enabled = enabled;
    use.config_path = std::move(place);
    return {&type, rank, std::move(name), nullptr, &use};
  }

 private:
  std::deque<config::PluginUse> uses_;
};

PluginType type(std::string_view name, Hooks hooks = {}) {
  return {name, Posture::fail_closed, hooks, nullptr, nullptr};
}
const PluginType kOne = type("one"), kTwo = type("two"), kThree = type("three");

/// Where the merged ones were written.
std::vector<std::string> merged(const std::vector<const Levels::Level*>& levels) {
  std::vector<std::string> places;
  for (const Instance* each : merge_levels(levels)) places.push_back(each->use->config_path);
  return places;
}

TEST(MergeLevels, the_nearest_of_a_name_stands_for_the_others) {
  Levels levels;
  const Levels::Level global{levels.instance(kOne, 5, "global one"), levels.instance(kTwo, 4, "global two")};
  const Levels::Level service{levels.instance(kOne, 5, "service one")};
  const Levels::Level route{levels.instance(kOne, 5, "route one"), levels.instance(kThree, 3, "route three")};
  EXPECT_THAT(merged({&global, &service, &route}), ElementsAre("route one", "global two", "route three"));
  EXPECT_THAT(merged({&global, &service}), ElementsAre("service one", "global two"));
  EXPECT_THAT(merged({}), IsEmpty());
}

TEST(MergeLevels, one_that_is_not_enabled_takes_the_name_away) {
  Levels levels;
  const Levels::Level global{levels.instance(kOne, 5, "global one"), levels.instance(kTwo, 4, "global two")};
  const Levels::Level off{levels.instance(kOne, 5, "service off", "", false)};
  const Levels::Level on{levels.instance(kOne, 5, "route one")};
  EXPECT_THAT(merged({&global, &off}), ElementsAre("global two"));
  EXPECT_THAT(merged({&global, &off, &on}), ElementsAre("route one", "global two"));
}

TEST(MergeLevels, instances_of_one_plugin_stand_side_by_side) {
  Levels levels;
  const Levels::Level global{levels.instance(kOne, 5, "plain"), levels.instance(kOne, 5, "global a", "a")};
  const Levels::Level route{levels.instance(kOne, 5, "route a", "a"), levels.instance(kOne, 5, "route b", "b")};
  EXPECT_THAT(merged({&global, &route}), ElementsAre("plain", "route a", "route b"));
  const Levels::Level off{levels.instance(kOne, 5, "off", "a", false)};
  EXPECT_THAT(merged({&global, &off}), ElementsAre("plain"));
}

TEST(MergeLevels, ranks_decide_and_equal_ones_keep_the_order_of_the_lists) {
  Levels levels;
  const Levels::Level global{levels.instance(kOne, -1, "last"), levels.instance(kTwo, 2, "second")};
  const Levels::Level route{levels.instance(kThree, 2, "third"), levels.instance(kOne, 9, "first", "x")};
  EXPECT_THAT(merged({&global, &route}), ElementsAre("first", "second", "third", "last"));
}

TEST(MergeLevels, a_nearer_one_of_equal_rank_stands_where_the_farther_one_stood) {
  Levels levels;
  const Levels::Level global{levels.instance(kOne, 2, "global one"), levels.instance(kTwo, 2, "global two")};
  const Levels::Level route{levels.instance(kOne, 2, "route one")};
  EXPECT_THAT(merged({&global, &route}), ElementsAre("route one", "global two"));
}

TEST(Chain, has_each_plugin_only_in_the_phases_of_its_hooks) {
  const PluginType requests = type("requests", hooks_of<Requests>());
  const PluginType everything = type("everything", hooks_of<Everything>());
  Levels levels;
  Instance first = levels.instance(everything, 1450, ""), second = levels.instance(requests, 910, "");
  first.plugin = std::make_shared<Everything>();
  second.plugin = std::make_shared<Requests>();
  Arena arena;
  const Instance* const members[] = {&first, &second};
  const Chain chain(members, arena);
  EXPECT_THAT(chain.before_identity(), ElementsAre(first.plugin.get()));
  EXPECT_THAT(chain.behind_identity(), ElementsAre(second.plugin.get()));
  EXPECT_THAT(chain.attempt(), ElementsAre(first.plugin.get()));
  EXPECT_THAT(chain.response(), ElementsAre(first.plugin.get()));
  EXPECT_THAT(chain.body(), ElementsAre(first.plugin.get()));
  EXPECT_THAT(chain.complete(), ElementsAre(first.plugin.get()));
  EXPECT_THAT(chain.members(), ElementsAre(&first, &second));
}

TEST(LayOver, replaces_adds_and_takes_away_as_a_nearer_level_does) {
  Levels levels;
  const Instance one = levels.instance(kOne, 9, "one"), two = levels.instance(kTwo, 5, "two"),
                 three = levels.instance(kThree, 1, "three");
  const Instance nearer_two = levels.instance(kTwo, 5, "nearer two"),
                 no_three = levels.instance(kThree, 1, "", "", false), more = levels.instance(kOne, 7, "more", "x");
  Arena arena;
  const Instance* const members[] = {&one, &two, &three};
  const Instance* const nearer[] = {&nearer_two, &no_three, &more};
  const Chain chain = lay_over(Chain(members, arena), nearer, arena);
  EXPECT_THAT(chain.members(), ElementsAre(&one, &more, &nearer_two));
}

TEST(Hooks, are_those_that_the_class_overrides_or_inherits) {
  class Derived : public Requests {};
  EXPECT_TRUE(hooks_of<Derived>().request);
  EXPECT_FALSE(hooks_of<Derived>().response);
  EXPECT_FALSE(hooks_of<Plugin>().request);
}

}  // namespace
}  // namespace gatehouse::plugin
