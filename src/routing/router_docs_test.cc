#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "routing/router.h"
#include "routing/slow_model_test.h"

namespace gatehouse::routing {
namespace {

using Row = std::vector<std::string>;

std::string page() {
  std::ifstream file(std::string(GATEHOUSE_SOURCE_DIR) + "/docs/routing.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string trimmed(std::string text) {
  const std::size_t first = text.find_first_not_of(" `");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" `") - first + 1);
}

/// The rows of the table of docs/routing.md whose head is `head`.
std::vector<Row> table(const std::string& head) {
  std::istringstream lines(page());
  std::string line;
  while (std::getline(lines, line) && line != head) {
  }
  std::getline(lines, line);  // the rule below the head
  std::vector<Row> rows;
  while (std::getline(lines, line) && line.starts_with('|')) {
    Row& row = rows.emplace_back();
    std::istringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.push_back(trimmed(cell));
  }
  return rows;
}

/// What the pattern table says of a match: "no", "yes", "id=7", "x=1, leaves `/b`".
std::string result(const std::string& pattern, const std::string& path) {
  config::Model model;
  config::Route route;
  route.paths = {{pattern, {}}};
  model.routes = {route};
  const auto router = compile(model);
  Arena arena;
  const test::Ask ask{.path = path};
  const test::AskRequest request(ask, arena);
  Captures captures;
  const Match match = router->match(request, captures);
  if (!match.found()) return "no";
  std::string text;
  for (std::size_t i = 0; i < captures.count; ++i) {
    text += (text.empty() ? "" : ", ") + router->capture_names(0, 0)[i] + "=" + std::string(captures.values[i]);
  }
  if (pattern.ends_with("/*")) {
    const std::string rest = path.substr(match.prefix_length);
    text += (text.empty() ? "" : ", ") + std::string("leaves `") + (rest.empty() ? "/" : rest);
  }
  return text.empty() ? "yes" : text;
}

TEST(RoutingPage, its_table_of_patterns_is_true) {
  const std::vector<Row> rows = table("| pattern | path | result |");
  ASSERT_GE(rows.size(), 15u);
  for (const Row& row : rows) {
    ASSERT_EQ(row.size(), 3u);
    EXPECT_EQ(check_path(row[0], nullptr), "") << row[0];
    EXPECT_EQ(trimmed(result(row[0], row[1])), row[2]) << row[0] << " " << row[1];
  }
}

config::Model documented_routes() {
  config::Model model;
  for (const Row& row : table("| route | hosts | path | methods | header | priority |")) {
    config::Route route;
    route.name = row[0];
    if (!row[1].empty()) route.hosts = {row[1]};
    route.paths = {{row[2], {}}};
    if (!row[3].empty()) route.methods = {row[3]};
    if (!row[4].empty()) route.headers = {{row[4], {config::ValueMatch::Kind::present, {}, ""}, {}}};
    route.priority = std::stoi(row[5]);
    model.routes.push_back(std::move(route));
  }
  return model;
}

TEST(RoutingPage, its_table_of_winners_is_true) {
  const config::Model model = documented_routes();
  ASSERT_GE(model.routes.size(), 10u);
  const auto router = compile(model);
  const std::vector<Row> rows = table("| request | header | route | because |");
  ASSERT_GE(rows.size(), 10u);
  for (const Row& row : rows) {
    const std::size_t space = row[0].find(' '), slash = row[0].find('/');
    test::Ask ask;
    ask.method = row[0].substr(0, space);
    ask.host = row[0].substr(space + 1, slash - space - 1);
    ask.path = row[0].substr(slash);
    if (!row[1].empty()) ask.headers = {{row[1], "1"}};
    Arena arena;
    const test::AskRequest request(ask, arena);
    Captures captures;
    const Match match = router->match(request, captures);
    ASSERT_TRUE(match.found()) << row[0];
    EXPECT_EQ(model.routes[match.route].name, row[2]) << row[0];
  }
}

TEST(RoutingPage, its_explanation_is_what_explain_says) {
  const config::Model model = documented_routes();
  const auto router = compile(model);
  Arena arena;
  const test::Ask ask{.host = "example.com", .path = "/users/ada/posts"};
  const test::AskRequest request(ask, arena);
  Captures captures;
  Explanation explanation;
  router->explain(request, captures, explanation);
  std::string lines;
  for (const Candidate& candidate : explanation.candidates) {
    if (!candidate.reached) break;
    lines += model.routes[candidate.route].name + ": " + (candidate.matched ? "wins" : candidate.failed) + "\n";
  }
  const std::string text = page();
  const std::string marker = "<!-- A test produces these lines. -->\n\n```\n";
  const std::size_t start = text.find(marker);
  ASSERT_NE(start, std::string::npos);
  const std::size_t from = start + marker.size();
  EXPECT_EQ(text.substr(from, text.find("```", from) - from), lines);
}

}  // namespace
}  // namespace gatehouse::routing
