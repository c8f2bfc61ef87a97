#include <gtest/gtest.h>

#include <chrono>

#include "routing/router.h"

namespace gatehouse::routing {
namespace {

config::Route route(std::string name, std::vector<std::string> paths) {
  static const auto file = std::make_shared<const std::string>("shop.yaml");
  config::Route result;
  result.name = std::move(name);
  for (std::string& path : paths) result.paths.push_back({std::move(path), {}});
  result.mark = {file, 1, 1};
  return result;
}

/// The findings as "error 2: message", the number being the line: that of the route's place in the list, from 1.
std::vector<std::string> check(std::vector<config::Route> routes) {
  config::Model model;
  model.routes = std::move(routes);
  for (std::size_t i = 0; i < model.routes.size(); ++i) {
    model.routes[i].mark.line = static_cast<int>(i + 1);
    model.routes[i].config_path = "routes[" + std::to_string(i) + "]";
  }
  config::Diagnostics diagnostics;
  check_routes(model, diagnostics);
  std::vector<std::string> result;
  for (const config::Diagnostic& each : diagnostics.items()) {
    result.push_back((each.severity == config::Severity::error ? "error " : "warning ") +
                     std::to_string(each.mark.line) + ": " + each.message);
  }
  return result;
}

using Findings = std::vector<std::string>;
const config::ValueMatch kPresent{config::ValueMatch::Kind::present, {}, ""};
config::ValueMatch equals(std::string value) {
  return {config::ValueMatch::Kind::one_of, {std::move(value)}, ""};
}

TEST(CheckRoutes, the_same_conditions_twice_are_an_error_that_names_both) {
  config::Route first = route("first", {"/a/{x}", "/b"});
  first.methods = {"GET", "POST"};
  config::Route second = route("second", {"/b", "/a/{y}"});
  second.methods = {"POST", "GET", "HEAD"};
  EXPECT_EQ(check({first, second}),
            (Findings{"error 2: route second has the same conditions as first (shop.yaml:1:1)"}));
}

TEST(CheckRoutes, another_priority_or_condition_is_not_the_same) {
  config::Route high = route("high", {"/a"});
  high.priority = 1;
  config::Route beta = route("beta", {"/b"});
  beta.headers = {{"x-beta", kPresent, {}}};
  EXPECT_EQ(check({route("b", {"/b"}), beta, route("c", {"/c"})}), Findings{});
  EXPECT_EQ(
      check({route("a", {"/a"}), high}),
      (Findings{"warning 1: route a can never win: high (shop.yaml:2:1) matches all that it matches and comes first"}));
}

TEST(CheckRoutes, a_route_below_a_prefix_of_higher_priority_can_never_win) {
  config::Route wide = route("wide", {"/api/*"});
  wide.priority = 10;
  config::Route narrow = route("narrow", {"/api/users/{id}"});
  narrow.hosts = {"a.example.com"};
  narrow.methods = {"GET"};
  EXPECT_EQ(check({narrow, wide}), (Findings{"warning 1: route narrow can never win: wide (shop.yaml:2:1) matches all "
                                             "that it matches and comes first"}));
  wide.methods = {"POST"};
  EXPECT_EQ(check({narrow, wide}), Findings{});
}

TEST(CheckRoutes, a_route_with_one_path_left_can_win) {
  config::Route wide = route("wide", {"/api/*"});
  wide.priority = 10;
  EXPECT_EQ(check({wide, route("both", {"/api/users", "/other"})}), Findings{});
}

TEST(CheckRoutes, position_alone_deciding_is_a_warning) {
  config::Route beta = route("beta", {"/a"});
  beta.headers = {{"x-beta", kPresent, {}}};
  config::Route version = route("version", {"/a"});
  version.headers = {{"x-version", equals("2"), {}}};
  EXPECT_EQ(check({beta, version}),
            (Findings{"warning 2: route version only its position in the file puts it after beta "
                      "(shop.yaml:1:1); give one a priority or another condition"}));
}

TEST(CheckRoutes, routes_that_no_request_can_both_match_are_not_warned_of) {
  const auto with = [](std::string name, auto&& change) {
    config::Route result = route(std::move(name), {"/a"});
    change(result);
    return result;
  };
  const auto get = with("get", [](config::Route& r) { r.methods = {"GET"}; });
  const auto post = with("post", [](config::Route& r) { r.methods = {"POST"}; });
  EXPECT_EQ(check({get, post}), Findings{});
  const auto one = with("one", [](config::Route& r) { r.headers = {{"x-v", equals("1"), {}}}; });
  const auto two = with("two", [](config::Route& r) { r.headers = {{"x-v", equals("2"), {}}}; });
  EXPECT_EQ(check({one, two}), Findings{});
  const auto plain = with("plain", [](config::Route& r) { r.scheme = config::SchemeMatch::http; });
  const auto secure = with("secure", [](config::Route& r) { r.scheme = config::SchemeMatch::https; });
  EXPECT_EQ(check({plain, secure}), Findings{});
  const auto inside = with("inside", [](config::Route& r) { r.clients = {*Cidr::parse("10.0.0.0/8")}; });
  const auto outside = with("outside", [](config::Route& r) { r.clients = {*Cidr::parse("192.168.0.0/16")}; });
  EXPECT_EQ(check({inside, outside}), Findings{});
}

TEST(CheckRoutes, overlapping_clients_are_warned_of) {
  config::Route wide = route("wide", {"/a"});
  wide.clients = {*Cidr::parse("10.0.0.0/8")};
  config::Route narrow = route("narrow", {"/a"});
  narrow.clients = {*Cidr::parse("10.1.0.0/16")};
  EXPECT_EQ(check({wide, narrow}).size(), 1u);
}

TEST(CheckRoutes, templates_name_only_captures_that_every_path_has) {
  config::Route rewrite = route("rewrite", {"/a/{id}", "/b/{key}"});
  rewrite.rewrite.path = "/v2/{id}";
  EXPECT_EQ(check({rewrite}), (Findings{"error 1: {id} is not a capture of the path /b/{key}"}));
  config::Route redirect = route("redirect", {"~/r/(?P<year>[0-9]+)"});
  redirect.action = config::RedirectAction{"https://x/{yaer}", 302};
  EXPECT_EQ(check({redirect}), (Findings{"error 1: {yaer} is not a capture of the path ~/r/(?P<year>[0-9]+)"}));
  redirect.action = config::RedirectAction{"https://x/{year}", 302};
  EXPECT_EQ(check({redirect}), Findings{});
  redirect.paths.clear();
  EXPECT_EQ(check({redirect}), (Findings{"error 1: {year} is not a capture: the route has no path"}));
}

TEST(CheckRoutes, warnings_are_at_most_twenty_and_the_rest_is_counted) {
  std::vector<config::Route> routes;
  for (int i = 0; i < 30; ++i) routes.push_back(route("r" + std::to_string(i), {"/a/" + std::to_string(i)}));
  routes.push_back(route("wide", {"/a/*"}));
  routes.back().priority = 1;
  const Findings findings = check(routes);
  ASSERT_EQ(findings.size(), 21u);
  EXPECT_EQ(findings.back(), "warning 0: and 10 more such warnings about the order of routes");
}

TEST(CheckRoutes, fifty_thousand_routes_are_checked_in_seconds) {
  std::vector<config::Route> routes;
  for (int i = 0; i < 50'000; ++i) {
    routes.push_back(route("r" + std::to_string(i), {"/s" + std::to_string(i % 5000) + "/{id}/*"}));
    routes.back().headers = {{"x-tenant", equals(std::to_string(i / 5000)), {}}};
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(check(std::move(routes)), Findings{});
  // Every pair would be 1.25 billion comparisons: minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace gatehouse::routing
