#include "engine/control/changes.h"

#include <gmock/gmock.h>

namespace gatehouse::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

config::Loaded load(std::string text) {
  config::Catalogue catalogue;
  config::Loaded loaded = config::load_text({.name = "t.yaml", .text = std::move(text)}, catalogue);
  EXPECT_EQ(loaded.diagnostics.text(), "");
  return loaded;
}

constexpr const char* kBase = R"(
listeners: [{name: public, address: "127.0.0.1:8080"}]
services:
  - {name: users, url: "http://127.0.0.1:9001"}
  - {name: orders, url: "http://127.0.0.1:9002"}
routes:
  - {name: users, path: "/users/*", service: users}
  - {path: "/orders/*", methods: [GET], service: orders}
)";

TEST(Changes, are_none_between_the_same_configurations_however_they_are_written) {
  EXPECT_THAT(changes_between(load(kBase), load("# a comment\n" + std::string(kBase))), IsEmpty());
}

TEST(Changes, name_what_came_what_went_and_what_is_different) {
  const config::Loaded after = load(R"(
listeners: [{name: public, address: "127.0.0.1:8081"}]
drain: {timeout: 5s}
services:
  - {name: users, url: "http://127.0.0.1:9009"}
  - {name: items, url: "http://127.0.0.1:9003"}
routes:
  - {name: users, path: "/users/*", service: users, strip_path: true}
  - {name: items, path: "/items/*", service: items}
)");
  EXPECT_THAT(changes_between(load(kBase), after),
              ElementsAre("listeners: changed", "drain: added", "service users: changed", "service items: added",
                          "service orders: removed", "route users: changed", "route items: added",
                          "route GET /orders/*: removed"));
}

TEST(Changes, say_that_only_the_order_is_another) {
  const config::Loaded after = load(R"(
listeners: [{name: public, address: "127.0.0.1:8080"}]
services:
  - {name: users, url: "http://127.0.0.1:9001"}
  - {name: orders, url: "http://127.0.0.1:9002"}
routes:
  - {path: "/orders/*", methods: [GET], service: orders}
  - {name: users, path: "/users/*", service: users}
)");
  EXPECT_THAT(changes_between(load(kBase), after), ElementsAre("routes: another order"));
}

}  // namespace
}  // namespace gatehouse::engine
