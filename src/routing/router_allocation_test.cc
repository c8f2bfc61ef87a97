#include <gtest/gtest.h>

#include "base/testing/counted_new.h"
#include "routing/router.h"
#include "routing/slow_model_test.h"

namespace gatehouse::routing {
namespace {

using counted_new::allocations;

TEST(Routing, a_match_allocates_nothing) {
  if (!counted_new::kCounts) GTEST_SKIP() << "allocations are counted in plain builds only";
  config::Model model;
  const auto add = [&](std::vector<std::string> hosts, std::string path) -> config::Route& {
    config::Route route;
    route.name = path;
    route.hosts = std::move(hosts);
    if (!path.empty()) route.paths.push_back({path, {}});
    return model.routes.emplace_back(std::move(route));
  };
  add({"a.example.com"}, "/exact");
  add({"*.example.com"}, "/users/{id}/*").headers = {{"x-v", {config::ValueMatch::Kind::regex, {}, "v[0-9]+"}, {}}};
  add({}, "~/reports/(?P<year>[0-9]{4})/[a-z]+");
  config::Route& query = add({}, "/search");
  query.query = {{"q", {config::ValueMatch::Kind::one_of, {"a b"}, ""}, {}},
                 {"r", {config::ValueMatch::Kind::regex, {}, "[a-z ]+"}, {}}};
  query.clients = {*Cidr::parse("10.0.0.0/8")};
  add({}, "/posts").methods = {"POST", "PURGE"};
  const auto router = compile(model);

  const std::vector<std::pair<test::Ask, std::uint32_t>> asks = {
      {{.host = "a.example.com", .path = "/exact"}, 0},
      {{.host = "a.example.com", .path = "/users/42/posts", .headers = {{"X-V", "v12"}}}, 1},
      {{.host = "b.org", .path = "/reports/2024/sales"}, 2},
      {{.path = "/search", .query = "q=a%20b&r=x+y", .client = "10.1.1.1"}, 3},
      {{.path = "/posts", .method = "PURGE"}, 4},
      {{.path = "/posts"}, Match::kNone},
      {{.host = "x.y.z.example.com", .path = "/nothing/here"}, Match::kNone},
  };
  for (const auto& [ask, route] : asks) {
    Arena arena;
    const test::AskRequest request(ask, arena);
    Captures captures;
    EXPECT_EQ(router->match(request, captures).route, route)
        << ask.path;  // RE2 builds the states that this input needs
    const std::size_t before = allocations;
    const Match match = router->match(request, captures);
    EXPECT_EQ(allocations, before) << ask.path;
    EXPECT_EQ(match.route, route) << ask.path;
  }
  EXPECT_GT(allocations, 0u) << "the counter is not in place";
}

}  // namespace
}  // namespace gatehouse::routing
