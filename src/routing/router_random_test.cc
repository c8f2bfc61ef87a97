#include <gtest/gtest.h>

#include <random>

#include "routing/router.h"
#include "routing/slow_model_test.h"

namespace gatehouse::routing {
namespace {

using config::ValueMatch;

/// Few words, so that routes overlap often and requests hit.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool chance(std::size_t percent) { return below(100) < percent; }
  const std::string& of(const std::vector<std::string>& words) { return words[below(words.size())]; }

 private:
  std::mt19937 engine_;
};

const std::vector<std::string> kHosts = {"a.com",   "x.a.com",   "y.x.a.com", "b.com",
                                         "*.a.com", "*.x.a.com", "*.com",     "*.b.com"};
const std::vector<std::string> kAskHosts = {"a.com",   "x.a.com", "y.x.a.com", "z.y.x.a.com", "b.com",
                                            "w.b.com", "com",     "",          ".a.com",      "xa.com"};
const std::vector<std::string> kRegexes = {"~/u/(?P<n>[0-9]+)",
                                           "~/(?P<a>u|v)/(?P<b>.*)",
                                           "~/u(/(?P<t>v))?(/1)?",
                                           "~.*v",
                                           "~/u/1/(?P<z>.*)",
                                           "~/u/v.*",
                                           "~/[uv]*/?",
                                           "~/u|/v/1"};
const std::vector<std::string> kSegments = {"u", "v", "1"};
const std::vector<std::string> kMethods = {"GET", "POST", "HEAD", "PURGE", "DELETE"};
const std::vector<std::string> kAskMethods = {"GET", "GET", "POST", "HEAD", "PURGE", "FOO", "PUT"};

std::string pattern(Dice& dice) {
  if (dice.chance(20)) return dice.of(kRegexes);
  std::string text;
  const std::size_t segments = dice.below(4);
  for (std::size_t i = 0; i < segments; ++i) {
    text += dice.chance(35) ? "/{c" + std::to_string(i) + "}" : "/" + dice.of(kSegments);
  }
  if (dice.chance(40)) return text + "/*";
  return text.empty() || dice.chance(10) ? text + "/" : text;
}

ValueMatch value_match(Dice& dice) {
  switch (dice.below(4)) {
    case 0:
      return {ValueMatch::Kind::one_of,
              dice.chance(50) ? std::vector<std::string>{"1"} : std::vector<std::string>{"2", "a b"}, ""};
    case 1:
      return {ValueMatch::Kind::regex, {}, "[12]"};
    case 2:
      return {ValueMatch::Kind::present, {}, ""};
    default:
      return {ValueMatch::Kind::absent, {}, ""};
  }
}

config::Model random_model(Dice& dice) {
  config::Model model;
  model.listeners.resize(2);
  model.listeners[0].name = "one";
  model.listeners[1].name = "two";
  const std::size_t count = 1 + dice.below(14);
  for (std::size_t i = 0; i < count; ++i) {
    config::Route route;
    route.name = "r" + std::to_string(i);
    route.priority = dice.chance(20) ? static_cast<int>(dice.below(3)) - 1 : 0;
    for (std::size_t n = dice.chance(40) ? 1 + dice.below(2) : 0; n > 0; --n) route.hosts.push_back(dice.of(kHosts));
    for (std::size_t n = dice.chance(85) ? 1 + dice.below(2) : 0; n > 0; --n)
      route.paths.push_back({pattern(dice), {}});
    for (std::size_t n = dice.chance(40) ? 1 + dice.below(2) : 0; n > 0; --n)
      route.methods.push_back(dice.of(kMethods));
    if (dice.chance(25)) route.headers.push_back({dice.chance(50) ? "x-v" : "accept", value_match(dice), {}});
    if (dice.chance(20)) route.query.push_back({dice.chance(50) ? "q" : "a b", value_match(dice), {}});
    if (dice.chance(10)) route.clients.push_back(*Cidr::parse("10.0.0.0/8"));
    if (dice.chance(10)) route.scheme = dice.chance(50) ? config::SchemeMatch::https : config::SchemeMatch::http;
    if (dice.chance(10)) route.listeners.push_back(dice.chance(50) ? "one" : "two");
    model.routes.push_back(std::move(route));
  }
  return model;
}

test::Ask random_ask(Dice& dice) {
  static const std::vector<std::string> kQueries = {"q=1",     "q=2&q=%61+b", "a+b=1", "a%20b=3&q",
                                                    "&&q=%32", "r=1",         "q=%3",  "%71=1"};
  test::Ask ask;
  ask.host = dice.of(kAskHosts);
  for (std::size_t n = dice.below(5); n > 0; --n) ask.path += "/" + dice.of(kSegments);
  if (ask.path.empty() || dice.chance(15)) ask.path += "/";
  ask.method = dice.of(kAskMethods);
  if (dice.chance(50)) ask.query = dice.of(kQueries);
  for (std::size_t n = dice.below(3); n > 0; --n) {
    ask.headers.emplace_back(dice.chance(60) ? "X-V" : "Accept", dice.chance(50) ? "1" : dice.chance(50) ? "2" : "3");
  }
  ask.client = dice.chance(50) ? "10.1.2.3" : "192.0.2.1";
  ask.https = dice.chance(50);
  ask.listener = static_cast<std::uint16_t>(dice.below(2));
  return ask;
}

std::vector<std::string> values(const Captures& captures) {
  return {captures.values, captures.values + captures.count};
}

/// One line that says all of an answer, so that a difference is readable.
std::string text(std::uint32_t route, std::uint16_t path, std::uint32_t prefix,
                 const std::vector<std::string>& captures, std::uint16_t allowed) {
  std::string line = "route " + std::to_string(static_cast<int>(route)) + " path " + std::to_string(path) + " prefix " +
                     std::to_string(prefix) + " allowed " + std::to_string(allowed);
  for (const std::string& value : captures) line += " [" + value + "]";
  return line;
}
std::string text(const Match& match, const Captures& captures) {
  return text(match.route, match.path, match.prefix_length, values(captures), match.allowed_methods);
}

/// What must hold in every explanation.
void expect_consistent(const Explanation& explanation, const Match& match) {
  bool won = false;
  for (const Candidate& candidate : explanation.candidates) {
    ASSERT_EQ(candidate.reached, !won);
    if (candidate.matched) {
      ASSERT_EQ(candidate.route, match.route);
      ASSERT_EQ(candidate.path, match.path);
      ASSERT_EQ(candidate.failed, "");
      won = true;
    } else if (candidate.reached) {
      ASSERT_NE(candidate.failed, "");
    }
  }
  ASSERT_EQ(won, match.found());
}

/// A sanitizer's build is some thirty times slower: there the same models, fewer of them.
#ifdef GATEHOUSE_SANITIZED
constexpr std::uint32_t kShare = 10;
#else
constexpr std::uint32_t kShare = 1;
#endif

TEST(RandomRoutes, match_and_explain_and_the_sentence_agree) {
  std::size_t found = 0, other_method = 0, captured = 0;
  for (std::uint32_t seed = 1; seed <= 2500 / kShare; ++seed) {
    Dice dice(seed);
    const config::Model model = random_model(dice);
    const auto router = compile(model);
    const test::SlowModel slow(model);
    for (int i = 0; i < 100; ++i) {
      const test::Ask ask = random_ask(dice);
      Arena arena;
      const test::AskRequest request(ask, arena);
      Captures captures, explained_captures;
      Explanation explanation;
      const Match match = router->match(request, captures);
      const Match explained = router->explain(request, explained_captures, explanation);
      const test::SlowModel::Answer answer = slow.ask(ask);
      const std::string expected =
          text(answer.route.value_or(Match::kNone), answer.path, answer.prefix, answer.captures, answer.allowed);
      const std::string where = "seed " + std::to_string(seed) + ", request " + std::to_string(i) + ": " + ask.method +
                                " " + ask.host + ask.path + "?" + ask.query;
      ASSERT_EQ(text(match, captures), expected) << where;
      ASSERT_EQ(text(explained, explained_captures), expected) << where;
      ASSERT_NO_FATAL_FAILURE(expect_consistent(explanation, match)) << where;
      found += match.found();
      other_method += match.allowed_methods != 0;
      captured += captures.count != 0;
    }
  }
  // A generator that misses what it is meant to compare proves nothing.
  EXPECT_GT(found, 100'000u / kShare);
  EXPECT_GT(other_method, 10'000u / kShare);
  EXPECT_GT(captured, 20'000u / kShare);
}

TEST(RandomRoutes, what_check_calls_dead_never_wins) {
  std::size_t dead_routes = 0, wins = 0;
  for (std::uint32_t seed = 1; seed <= 2000 / kShare; ++seed) {
    Dice dice(seed);
    config::Model model = random_model(dice);
    for (std::size_t i = 0; i < model.routes.size(); ++i) model.routes[i].mark.line = static_cast<int>(i + 1);
    config::Diagnostics diagnostics;
    check_routes(model, diagnostics);
    std::vector<bool> dead(model.routes.size(), false);
    for (const config::Diagnostic& each : diagnostics.items()) {
      if (each.severity == config::Severity::warning && each.message.find("can never win") == std::string::npos)
        continue;
      dead[each.mark.line - 1] = true;
      ++dead_routes;
    }
    const test::SlowModel slow(model);
    for (int i = 0; i < 50; ++i) {
      const auto answer = slow.ask(random_ask(dice));
      if (!answer.route) continue;
      ++wins;
      ASSERT_FALSE(dead[*answer.route]) << "seed " << seed << ", route " << *answer.route << "\n" << diagnostics.text();
    }
  }
  EXPECT_GT(dead_routes, 500u / kShare);
  EXPECT_GT(wins, 20'000u / kShare);
}

}  // namespace
}  // namespace gatehouse::routing
