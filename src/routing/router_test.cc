#include "routing/router.h"

#include <gtest/gtest.h>

#include "routing/slow_model_test.h"

namespace gatehouse::routing {
namespace {

config::Route route(std::string name, std::vector<std::string> paths = {}) {
  config::Route result;
  result.name = std::move(name);
  for (std::string& path : paths) result.paths.push_back({std::move(path), {}});
  return result;
}

struct Gateway {
  explicit Gateway(std::vector<config::Route> routes) {
    model.routes = std::move(routes);
    router = compile(model);
  }
  /// The name of the route, "" if none.
  std::string ask(const test::Ask& ask) {
    last = ask;  // captures are views into the path
    const test::AskRequest request(last, arena);
    match = router->match(request, captures);
    return match.found() ? model.routes[match.route].name : "";
  }
  std::string get(std::string at) { return ask({.host = "a.com", .path = std::move(at)}); }

  config::Model model;
  std::unique_ptr<Router> router;
  Arena arena;
  Captures captures;
  Match match;
  test::Ask last;
};

TEST(Routing, a_prefix_matches_itself_and_what_is_below_only) {
  Gateway gateway({route("users", {"/users/*"})});
  for (const char* path : {"/users", "/users/", "/users/1", "/users/1/2"}) {
    EXPECT_EQ(gateway.get(path), "users") << path;
    EXPECT_EQ(gateway.match.prefix_length, 6u) << path;
  }
  for (const char* path : {"/usersx", "/user", "/", "/Users/1", "/x/users"}) EXPECT_EQ(gateway.get(path), "") << path;
}

TEST(Routing, a_bare_star_matches_everything_with_an_empty_prefix) {
  Gateway gateway({route("all", {"/*"})});
  for (const char* path : {"/", "/a", "/a/b/"}) {
    EXPECT_EQ(gateway.get(path), "all");
    EXPECT_EQ(gateway.match.prefix_length, 0u);
  }
}

TEST(Routing, the_prefix_length_counts_the_bytes_of_captures) {
  Gateway gateway({route("orders", {"/orders/{id}/*"})});
  EXPECT_EQ(gateway.get("/orders/12345/items"), "orders");
  EXPECT_EQ(gateway.match.prefix_length, 13u);
  ASSERT_EQ(gateway.captures.count, 1);
  EXPECT_EQ(gateway.captures.values[0], "12345");
  EXPECT_EQ(gateway.router->capture_names(0, 0), std::vector<std::string>{"id"});
}

TEST(Routing, a_capture_takes_one_whole_segment_that_is_not_empty) {
  Gateway gateway({route("one", {"/a/{x}"}), route("slash", {"/b/{x}/"})});
  EXPECT_EQ(gateway.get("/a/1"), "one");
  EXPECT_EQ(gateway.get("/a/"), "");
  EXPECT_EQ(gateway.get("/a/1/"), "");
  EXPECT_EQ(gateway.get("/a/1/2"), "");
  EXPECT_EQ(gateway.get("/b/1/"), "slash");
  EXPECT_EQ(gateway.get("/b/1"), "");
}

TEST(Routing, a_branch_whose_conditions_fail_gives_way_to_the_next) {
  config::Route literal = route("literal", {"/a/b"});
  literal.methods = {"POST"};
  config::Route deep = route("deep", {"/a/{x}"});
  deep.headers = {{"x-v", {config::ValueMatch::Kind::one_of, {"2"}, ""}, {}}};
  Gateway gateway({route("rest", {"/*"}), deep, literal});
  EXPECT_EQ(gateway.ask({.path = "/a/b", .method = "POST"}), "literal");
  EXPECT_EQ(gateway.ask({.path = "/a/b", .headers = {{"X-V", "2"}}}), "deep");
  EXPECT_EQ(gateway.ask({.path = "/a/b"}), "rest");
  EXPECT_EQ(gateway.captures.count, 0);
}

TEST(Routing, an_exact_host_whose_routes_fail_gives_way_to_wildcards_and_to_none) {
  config::Route exact = route("exact", {"/x"});
  exact.hosts = {"a.b.com"};
  config::Route near = route("near", {"/y"});
  near.hosts = {"*.b.com"};
  config::Route far = route("far", {"/z"});
  far.hosts = {"*.com"};
  Gateway gateway({route("none", {"/*"}), far, near, exact});
  EXPECT_EQ(gateway.ask({.host = "a.b.com", .path = "/x"}), "exact");
  EXPECT_EQ(gateway.ask({.host = "a.b.com", .path = "/y"}), "near");
  EXPECT_EQ(gateway.ask({.host = "a.b.com", .path = "/z"}), "far");
  EXPECT_EQ(gateway.ask({.host = "a.b.com", .path = "/"}), "none");
  EXPECT_EQ(gateway.ask({.host = "b.com", .path = "/y"}), "none");
}

TEST(Routing, named_groups_of_a_regex_are_its_captures) {
  Gateway gateway({route("reports", {"~/reports/(?P<year>[0-9]{4})(/(?P<month>[0-9]+))?"})});
  EXPECT_EQ(gateway.get("/reports/2024/06"), "reports");
  ASSERT_EQ(gateway.captures.count, 2);
  EXPECT_EQ(gateway.captures.values[0], "2024");
  EXPECT_EQ(gateway.captures.values[1], "06");
  EXPECT_EQ(gateway.get("/reports/2024"), "reports");
  EXPECT_EQ(gateway.captures.values[1], "");
  EXPECT_EQ(gateway.get("/reports/20245"), "");
  EXPECT_EQ(gateway.router->capture_names(0, 0), (std::vector<std::string>{"year", "month"}));
}

TEST(Routing, methods_that_would_have_matched_are_told_only_where_nothing_did) {
  config::Route read = route("read", {"/a"});
  read.methods = {"GET"};
  config::Route write = route("write", {"/a"});
  write.methods = {"PUT", "PURGE"};
  config::Route guarded = route("guarded", {"/a"});
  guarded.methods = {"DELETE"};
  guarded.headers = {{"x-v", {config::ValueMatch::Kind::present, {}, ""}, {}}};
  Gateway gateway({read, write, guarded});
  const auto allowed = [](std::initializer_list<http::Method> methods) {
    int bits = 0;
    for (const http::Method method : methods) bits |= 1 << static_cast<int>(method);
    return bits;
  };
  using http::Method;
  EXPECT_EQ(gateway.ask({.path = "/a", .method = "POST"}), "");
  EXPECT_EQ(gateway.match.allowed_methods, allowed({Method::get, Method::head, Method::put, Method::other}));
  EXPECT_EQ(gateway.ask({.path = "/a", .method = "HEAD"}), "read");
  EXPECT_EQ(gateway.match.allowed_methods, 0);
  EXPECT_EQ(gateway.ask({.path = "/a", .method = "PURGE"}), "write");
  EXPECT_EQ(gateway.ask({.path = "/a", .method = "LINK"}), "");
  EXPECT_EQ(gateway.ask({.path = "/b"}), "");
  EXPECT_EQ(gateway.match.allowed_methods, 0);
}

TEST(Routing, a_query_value_is_compared_decoded_however_long_it_is) {
  config::Route equal = route("equal");
  equal.query = {{"full name", {config::ValueMatch::Kind::one_of, {"ada & co"}, ""}, {}}};
  config::Route regex = route("regex");
  regex.query = {{"q", {config::ValueMatch::Kind::regex, {}, "(a b)+"}, {}}};
  Gateway gateway({equal, regex});
  EXPECT_EQ(gateway.ask({.path = "/", .query = "x=1&full+name=ada+%26%20co"}), "equal");
  EXPECT_EQ(gateway.ask({.path = "/", .query = "full+name=ada+"}), "");
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "a+b";
  EXPECT_EQ(gateway.ask({.path = "/", .query = "q=" + many}), "regex");
  EXPECT_EQ(gateway.ask({.path = "/", .query = "q=" + many + "c"}), "");
}

TEST(Routing, explain_tells_the_first_test_that_each_candidate_failed) {
  config::Route version = route("v2", {"/users/*"});
  version.headers = {{"x-api-version", {config::ValueMatch::Kind::one_of, {"v2"}, ""}, {}}};
  config::Route post = route("post", {"/users/*"});
  post.methods = {"POST"};
  config::Route host = route("partner");
  host.hosts = {"*.b.com"};
  Gateway gateway({route("users", {"/users/*"}), version, post, host, route("late")});
  const test::Ask ask{.host = "a.com", .path = "/users/1", .headers = {{"X-API-Version", "v1"}}};
  const test::AskRequest request(ask, gateway.arena);
  Explanation explanation;
  const Match match = gateway.router->explain(request, gateway.captures, explanation);
  EXPECT_EQ(match.route, 0u);
  ASSERT_EQ(explanation.candidates.size(), 5u);
  EXPECT_EQ(explanation.candidates[0].failed, "host: a.com is not *.b.com");
  EXPECT_EQ(explanation.candidates[1].failed, "header X-API-Version: \"v1\" is not \"v2\"");
  EXPECT_EQ(explanation.candidates[1].rank, "priority 0, no host, path segments literal /*, 1 condition");
  EXPECT_EQ(explanation.candidates[2].failed, "method: GET is not POST");
  EXPECT_TRUE(explanation.candidates[3].matched);
  EXPECT_FALSE(explanation.candidates[4].reached);
  EXPECT_EQ(explanation.decision, "route users wins: first in the order whose tests all hold");
}

TEST(Routing, explain_lists_at_most_a_thousand_and_always_the_winner) {
  std::vector<config::Route> routes;
  for (int i = 0; i < 3000; ++i) {
    routes.push_back(route("r" + std::to_string(i), {"/" + std::to_string(i % 2)}));
    routes.back().methods = {"POST"};
  }
  routes.push_back(route("rest", {"/*"}));
  Gateway gateway(std::move(routes));
  const test::Ask ask{.path = "/1"};
  const test::AskRequest request(ask, gateway.arena);
  Explanation explanation;
  EXPECT_EQ(gateway.router->explain(request, gateway.captures, explanation).route, 3000u);
  EXPECT_EQ(explanation.candidates.size(), 1000u);
  EXPECT_TRUE(explanation.candidates.back().matched);
  EXPECT_NE(explanation.decision.find("2001 candidates are not listed"), std::string::npos) << explanation.decision;
}

TEST(Routing, order_lists_each_route_once) {
  config::Route first = route("first", {"/a", "/b"});
  first.priority = 5;
  Gateway gateway({route("rest", {"/*"}), route("exact", {"/a"}), first});
  EXPECT_EQ(gateway.router->order(), (std::vector<std::uint32_t>{2, 1, 0}));
}

TEST(Routing, no_routes_match_nothing) {
  Gateway gateway({});
  EXPECT_EQ(gateway.get("/"), "");
  EXPECT_TRUE(gateway.router->order().empty());
}

}  // namespace
}  // namespace gatehouse::routing
