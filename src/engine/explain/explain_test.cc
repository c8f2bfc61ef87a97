#include "engine/explain/test_shop.h"

namespace gatehouse::engine {
namespace {

using namespace explaining::testing;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Explain, lists_every_route_in_order_with_the_first_test_that_it_failed) {
  EXPECT_EQ(section(explained(kShop, get("http://shop/users/1")), "routes, in their order"),
            "routes, in their order\n"
            "  1. tea (t.yaml:8)\n"
            "     rank: priority 0, no host, path exact, 0 conditions\n"
            "     failed at path: /users/1 does not match /tea\n"
            "  2. create (t.yaml:7)\n"
            "     rank: priority 0, no host, path segments literal {}, 0 conditions, methods\n"
            "     failed at method: GET is not POST\n"
            "  3. old (t.yaml:9)\n"
            "     rank: priority 0, no host, path segments literal {}, 0 conditions\n"
            "     failed at path: /users/1 does not match /old/{id}\n"
            "  4. shadow (t.yaml:10)\n"
            "     rank: priority 0, no host, path segments literal {}, 0 conditions\n"
            "     failed at path: /users/1 does not match /shadow/{id}\n"
            "  5. users (t.yaml:6)\n"
            "     rank: priority 0, no host, path segments literal /*, 0 conditions\n"
            "     matched\n"
            "  → route users wins: first in the order whose tests all hold\n");
}

TEST(Explain, shows_the_path_after_each_step) {
  EXPECT_EQ(
      section(explained(kShop, get("http://shop/users//%61/../1?x=y")), "path\n"),
      "path\n  as sent: /users//%61/../1\n  normalised: /users/1\n  strip_path: /1\n  the service's url: /v1/1\n");
  EXPECT_EQ(section(explained(kShop, get("/shadow/7")), "path\n"), "path\n  as sent: /shadow/7\n  rewrite: /s/7\n");
  EXPECT_EQ(
      section(explained(
                  "services: [{name: a, url: \"http://127.0.0.1:1\"}]\ndefault_service: a\nroutes: [{path: \"/*\"}]\n",
                  get("/%61%2Fb")),
              "path\n"),
      "path\n  as sent: /%61%2Fb\n  normalised: /a%2Fb\n  forwarded as sent, since only escapes differ: /%61%2Fb\n");
}

TEST(Explain, shows_what_goes_to_the_service_and_which_target_is_first) {
  const std::string text = explained(kShop, get("http://shop:8080/users/1?x=y"));
  EXPECT_THAT(section(text, "sent to the service"), HasSubstr("  GET /v1/1?x=y HTTP/1.1\n  Host: 127.0.0.1:9001\n"));
  EXPECT_THAT(section(explained(kShop, get("/shadow/1")), "service shadow"),
              HasSubstr("  target 10.0.0.1:80, weight 1\n  target 10.0.0.2:80, weight 3  ← first in the round robin of "
                        "each worker\n"));
}

TEST(Explain, names_the_place_that_decides_each_timeout_and_limit) {
  const std::string text = section(explained(kShop, get("/users/1")), "service users");
  for (const char* line : {"read 1s (route t.yaml:6)", "send 8s (service t.yaml:3)", "connect 5s (default)",
                           "max_body 10B (route t.yaml:6)", "total off (default)"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(section(explained("limits: {max_body: 1KiB}\n" + std::string(kShop), get("/shadow/1")), "service shadow"),
              HasSubstr("max_body 1KiB (gateway t.yaml:2)"));
}

TEST(Explain, shows_what_each_plugin_changed_by_rank_with_level_and_place) {
  const std::string yaml =
      "plugins: [{name: tags}, {name: tries}]\n"
      "services: [{name: a, url: \"http://127.0.0.1:1\", plugins: [{name: counts}]}]\n"
      "routes:\n  - path: \"/*\"\n    service: a\n    plugins:\n      - {name: copies, config: {service: a}}\n";
  ExplainRequest request = get("http://shop/x?a=b");
  request.headers = {{"X-Secret", "1"}};
  const std::string text = explained(yaml, request);
  EXPECT_EQ(section(text, "plugins, by rank"),
            "plugins, by rank\n"
            "  counts (rank 60, service, t.yaml:3): proceeds, changes nothing\n"
            "  tags (rank 50, global, t.yaml:2): proceeds\n"
            "    - X-Secret: 1\n"
            "    + X-Tag: yes\n"
            "    query: a=b → none\n"
            "  tries (rank 40, global, t.yaml:2): does nothing to the request\n"
            "  copies (rank 1, route, t.yaml:8): proceeds, changes nothing\n"
            "    sends a copy to a\n"
            "    watches the response's body\n");
  EXPECT_EQ(section(text, "before each try"),
            "before each try\n  tries (rank 40, global, t.yaml:2): proceeds\n    + X-Target: 127.0.0.1:1\n");
  EXPECT_THAT(section(text, "sent to the service"), HasSubstr("  GET /x HTTP/1.1\n"));
  EXPECT_THAT(section(text, "plugins, on the service's answer"),
              HasSubstr("tags (rank 50, global, t.yaml:2): when the service"));
}

TEST(Explain, stops_where_a_plugin_answers_and_runs_the_response_hooks) {
  const std::string text = explained("plugins: [{name: tags}, {name: denies}]\n" + std::string(kShop), get("/users/1"));
  EXPECT_EQ(section(text, "plugins, by rank"),
            "plugins, by rank\n"
            "  denies (rank 100, global, t.yaml:2): answers, and the request goes no further\n"
            "  tags (rank 50, global, t.yaml:2): not reached\n");
  EXPECT_EQ(section(text, "plugins, on the answer"),
            "plugins, on the answer\n  tags (rank 50, global, t.yaml:2): proceeds\n    + X-Answered: yes\n");
  EXPECT_THAT(text, HasSubstr("answer by the gateway\n  403 Forbidden (forbidden)\n  X-Answered: yes\n"));
  EXPECT_THAT(text, HasSubstr("  X-Gatehouse-Error: forbidden\n"));
  EXPECT_THAT(text, HasSubstr("\n\n  {\"error\":\"not today\"}\n"));
  EXPECT_THAT(text, Not(HasSubstr("sent to the service")));
}

TEST(Explain, says_where_a_plugin_would_wait_and_goes_on) {
  const std::string text = explained("plugins: [{name: tags}, {name: waits}]\n" + std::string(kShop), get("/users/1"));
  EXPECT_THAT(section(text, "plugins, by rank"),
              HasSubstr("waits (rank 70, global, t.yaml:2): would wait for another service here"));
  EXPECT_THAT(section(text, "sent to the service"), HasSubstr("X-Tag: yes"));
}

TEST(Explain, runs_access_rules_before_a_fixed_answer) {
  EXPECT_THAT(explained(kShop, get("/tea")), HasSubstr("418 I'm a teapot\n  X-Pot: short\n"));
  EXPECT_THAT(explained("plugins: [{name: denies}]\n" + std::string(kShop), get("/tea")), HasSubstr("403 Forbidden"));
  EXPECT_THAT(explained(kShop, get("/old/7")), HasSubstr("302 Found\n  Location: https://x.example/7\n"));
}

TEST(Explain, shows_refusals_with_their_reason) {
  EXPECT_THAT(explained(kShop, get("/nowhere")), HasSubstr("  → no route matches (404)\n"));
  EXPECT_THAT(explained(kShop, get("/nowhere")), HasSubstr("  404 Not Found (no_route)\n"));
  EXPECT_THAT(explained(kShop, get("/a/%00")), HasSubstr("  400 Bad Request (bad_request)\n"));
  ExplainRequest remove = get("/shadow/1");
  remove.method = "TRACE";
  EXPECT_THAT(explained(kShop, remove), HasSubstr("  405 Method Not Allowed (method_not_allowed)\n  Allow: GET, "));
  ExplainRequest large = get("/users/1");
  large.body = "eleven bytes";
  large.method = "PUT";
  EXPECT_THAT(explained(kShop, large), HasSubstr("  413 "));
  ExplainRequest long_head = get("/users/1");
  for (int i = 0; i < 101; ++i) long_head.headers.emplace_back("X-A", "1");
  EXPECT_THAT(explained(kShop, long_head), HasSubstr("refused before routing"));
  EXPECT_THAT(explained(kShop, long_head), HasSubstr("  431 "));
  ExplainRequest about_it = get("*");
  about_it.method = "OPTIONS";
  EXPECT_THAT(explained(kShop, about_it), HasSubstr("  204 No Content\n"));
}

TEST(Explain, names_allowed_methods) {
  const std::string yaml = "routes: [{path: /x, methods: [POST, GET], respond: {status: 200}}]\n";
  ExplainRequest request = get("/x");
  request.method = "DELETE";
  EXPECT_THAT(explained(yaml, request), HasSubstr("one would with another method (405)"));
  EXPECT_THAT(explained(yaml, request), HasSubstr("  Allow: GET, HEAD, POST\n"));
}

TEST(Explain, says_who_is_calling_and_why) {
  ExplainRequest request = get("/tea");
  request.headers = {{"X-Forwarded-For", "1.2.3.4, 10.9.9.9"}, {"X-Forwarded-Proto", "https"}};
  request.client_ip = "10.0.0.1";
  EXPECT_THAT(explained(kShop, request), HasSubstr("client ip  10.0.0.1: the peer; it is no trusted proxy"));
  const std::string trusting = "trusted_proxies: [10.0.0.0/8]\n" + std::string(kShop);
  EXPECT_THAT(explained(trusting, request), HasSubstr("client ip  1.2.3.4: the rightmost address of X-Forwarded-For "
                                                      "that is no trusted proxy's; the peer 10.0.0.1"));
  EXPECT_THAT(explained(trusting, request), HasSubstr("  scheme     https\n"));
  request.headers.clear();
  EXPECT_THAT(explained(trusting, request), HasSubstr("client ip  10.0.0.1: the peer; it is a trusted proxy, but"));
}

TEST(Explain, matches_a_preflight_as_the_method_that_it_asks_for) {
  ExplainRequest request = get("/users/1");
  request.method = "OPTIONS";
  request.headers = {{"Origin", "https://x.example"}, {"Access-Control-Request-Method", "POST"}};
  const std::string text = explained(kShop, request);
  EXPECT_THAT(text, HasSubstr("preflight  matched as POST"));
  EXPECT_THAT(text, HasSubstr("→ route create wins"));
}

TEST(Explain, says_how_a_split_was_decided) {
  const std::string yaml =
      "services: [{name: a, url: \"http://127.0.0.1:1\"}, {name: b, url: \"http://127.0.0.1:2\"}]\n"
      "routes: [{path: /x, split: {services: {a: 0, b: 5}, sticky: {cookie: canary}}}]\n";
  EXPECT_THAT(explained(yaml, get("/x")),
              HasSubstr("  0 of 5 to a\n  5 of 5 to b  ← drawn by weight; the cookie canary is set and keeps it\n"));
  ExplainRequest request = get("/x");
  request.headers = {{"Cookie", "canary=7"}};
  EXPECT_THAT(explained(yaml, request), HasSubstr("  5 of 5 to b  ← the cookie canary decides\n"));
}

TEST(Explain, refuses_requests_that_make_no_sense) {
  const auto snapshot = snapshot_of(kShop);
  const auto error_of = [&](const ExplainRequest& request) {
    std::string error;
    EXPECT_EQ(explain_offline(*snapshot, request, false, error), "");
    return error;
  };
  EXPECT_EQ(error_of(get("")), "needs a URL such as http://api.example.com/users/1");
  EXPECT_EQ(error_of(get("users")), "\"users\" is neither a URL nor a path; they start with http:// or /");
  EXPECT_EQ(error_of(get("ftp://x/")), "the URL's scheme must be http or https, got \"ftp\"");
  EXPECT_EQ(error_of(get("http:///x")), "\"\" is no host");
  EXPECT_EQ(error_of(get("/a b")),
            "the URL holds a space, a control character or a byte that is not ASCII; percent-encode it");
  EXPECT_EQ(error_of(get("/a\r\nX: y")),
            "the URL holds a space, a control character or a byte that is not ASCII; percent-encode it");
  ExplainRequest request = get("/");
  request.method = "G(T";
  EXPECT_EQ(error_of(request), "\"G(T\" is no method");
  request = get("/");
  request.headers = {{"X A", "b"}};
  EXPECT_EQ(error_of(request), "\"X A\" is no name of a header");
  request.headers = {{"X-A", "b\r\nY: z"}};
  EXPECT_EQ(error_of(request), "the value of header X-A is not valid");
  request = get("/");
  request.client_ip = "here";
  EXPECT_EQ(error_of(request), "\"here\" is no IP address");
  request = get("/");
  request.listener = "pubic";
  EXPECT_EQ(error_of(request), "no listener \"pubic\"; did you mean \"public\"?");
}

TEST(Explain, tells_the_same_in_json) {
  ExplainRequest request = get("http://shop/users/1?x=y");
  request.headers = {{"X-Secret", "quote\" and \\"}};
  const Node tree = explained_json("plugins: [{name: tags}, {name: waits}]\n" + std::string(kShop), request);
  EXPECT_EQ(at(tree, {"request", "line"}), "GET /users/1?x=y HTTP/1.1");
  EXPECT_EQ(at(tree, {"request", "headers", "1", "value"}), "quote\" and \\");
  EXPECT_EQ(at(tree, {"client", "ip"}), "127.0.0.1");
  EXPECT_EQ(at(tree, {"candidates", "1", "failed"}), "method: GET is not POST");
  EXPECT_EQ(at(tree, {"candidates", "4", "result"}), "matched");
  EXPECT_EQ(at(tree, {"route", "name"}), "users");
  EXPECT_EQ(at(tree, {"route", "place"}), "t.yaml:7");
  EXPECT_EQ(at(tree, {"request_plugins", "0", "outcome"}), "would_wait");
  EXPECT_EQ(at(tree, {"request_plugins", "1", "changes", "removed", "0", "name"}), "X-Secret");
  EXPECT_EQ(at(tree, {"request_plugins", "1", "changes", "query", "from"}), "x=y");
  EXPECT_EQ(at(tree, {"path_steps", "1", "step"}), "strip_path");
  EXPECT_EQ(at(tree, {"forward", "request_line"}), "GET /v1/1 HTTP/1.1");
  EXPECT_EQ(at(tree, {"forward", "settings", "read", "place"}), "t.yaml:7");
  EXPECT_EQ(at(tree, {"reply"}), "(none)");
  EXPECT_EQ(at(explained_json(kShop, get("/tea")), {"reply", "status"}), "418");
}

TEST(Explain, leaves_the_state_of_a_snapshot_in_service_alone) {
  const auto in_service = snapshot_of("plugins: [{name: counts}]\n" + std::string(kShop));
  const auto& counts = static_cast<const Counts&>(*in_service->global_plugins.front().plugin);
  std::string error;
  EXPECT_THAT(explain(*in_service, get("/users/1"), false, error),
              HasSubstr("counts (rank 60, global, t.yaml:2): proceeds"));
  EXPECT_EQ(error, "");
  EXPECT_EQ(counts.count(), 0);
  explain_offline(*in_service, get("/users/1"), false, error);
  EXPECT_EQ(counts.count(), 1) << "the twin was of no use";
}

}  // namespace
}  // namespace gatehouse::engine
