#include <boost/json.hpp>
#include <map>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

/// Routes that answer with their own name: what matched is what comes back.
std::string answering(std::initializer_list<std::pair<std::string, std::string>> routes) {
  std::string text = "routes:\n";
  for (const auto& [route, conditions] : routes) {
    text += "  - {name: " + route + ", " + conditions + ", respond: {status: 200, body: " + route + "}}\n";
  }
  return text;
}

std::string winner(const Gateway& gateway, std::string_view method, std::string_view target,
                   std::string_view fields = "", std::string_view host = "test") {
  Response response = gateway.send(request(method, target, fields, "", host));
  return response.status == 200 ? response.body : std::to_string(response.status);
}

TEST(Routing, prefers_exact_then_regex_then_literal_segments_then_captures_then_prefixes) {
  Gateway gateway(answering({{"prefix", "path: \"/*\""},
                             {"users", "path: \"/users/*\""},
                             {"user", "path: \"/users/{id}\""},
                             {"regex", "path: \"~/users/[0-9]+\""},
                             {"me", "path: /users/me"},
                             {"orders", "path: \"/users/{id}/orders\""},
                             {"deep", "path: \"/users/me/*\""}}));
  EXPECT_EQ(winner(gateway, "GET", "/users/me"), "me");
  EXPECT_EQ(winner(gateway, "GET", "/users/42"), "regex");
  EXPECT_EQ(winner(gateway, "GET", "/users/ada"), "user");
  EXPECT_EQ(winner(gateway, "GET", "/users/ada/orders"), "orders");
  EXPECT_EQ(winner(gateway, "GET", "/users/me/orders"), "deep") << "a literal segment before a capture";
  EXPECT_EQ(winner(gateway, "GET", "/users/ada/other"), "users");
  EXPECT_EQ(winner(gateway, "GET", "/users"), "users");
  EXPECT_EQ(winner(gateway, "GET", "/users/"), "users");
  EXPECT_EQ(winner(gateway, "GET", "/usersx"), "prefix");
  EXPECT_EQ(winner(gateway, "GET", "/Users/me"), "prefix") << "case matters";
}

TEST(Routing, matches_normalised_paths) {
  Gateway gateway(answering({{"admin", "path: \"/admin/*\""}, {"rest", "path: \"/*\""}}));
  for (const char* target : {"/admin", "//admin", "/x/../admin", "/%61dmin", "/./admin//x", "/x/%2e%2e/admin"}) {
    EXPECT_EQ(winner(gateway, "GET", target), "admin") << target;
  }
  for (const char* target : {"/admin%2Fx", "/x%2Fadmin"}) EXPECT_EQ(winner(gateway, "GET", target), "rest") << target;
}

TEST(Routing, chooses_by_host) {
  Gateway gateway(answering({{"none", "path: \"/*\""},
                             {"wild", "hosts: [\"*.example.com\"]"},
                             {"longer", "hosts: [\"*.shop.example.com\"]"},
                             {"exact", "hosts: [a.shop.example.com]"}}));
  EXPECT_EQ(winner(gateway, "GET", "/", "", "a.shop.example.com"), "exact");
  EXPECT_EQ(winner(gateway, "GET", "/", "", "A.Shop.Example.COM:8443"), "exact");
  EXPECT_EQ(winner(gateway, "GET", "/", "", "b.shop.example.com"), "longer");
  EXPECT_EQ(winner(gateway, "GET", "/", "", "x.y.example.com"), "wild");
  EXPECT_EQ(winner(gateway, "GET", "/", "", "example.com"), "none");
}

TEST(Routing, chooses_by_method_and_says_which_would_do) {
  Gateway gateway(answering({{"read", "path: /x, methods: [GET]"}, {"write", "path: /x, methods: [POST, PUT]"}}));
  EXPECT_EQ(winner(gateway, "GET", "/x"), "read");
  EXPECT_EQ(winner(gateway, "PUT", "/x"), "write");
  RawClient head = gateway.connect();
  head.send(request("HEAD", "/x"));
  EXPECT_EQ(head.read_response(true).status, 200) << "GET includes HEAD";
  Response refused = gateway.send(request("DELETE", "/x"));
  expect_refusal(refused, 405, "method_not_allowed");
  for (const char* method : {"GET", "HEAD", "POST", "PUT"}) {
    EXPECT_TRUE(has_token(refused.fields, "allow", method)) << method << " in " << refused.header("allow");
  }
  expect_refusal(gateway.get("/y"), 404, "no_route");
}

TEST(Routing, chooses_by_headers_and_query) {
  Gateway gateway(answering({{"plain", "path: /x"},
                             {"v2", "path: /x, headers: {X-API-Version: v2}"},
                             {"any", "path: /x, headers: {X-Client: [web, admin]}"},
                             {"chrome", "path: /x, headers: {User-Agent: {regex: \"Chrome/.*\"}}"},
                             {"beta", "path: /x, headers: {X-Beta: {present: true}}"},
                             {"csv", "path: /x, query: {format: csv}"},
                             {"both", "path: /x, query: {format: csv}, headers: {X-API-Version: v2}"}}));
  EXPECT_EQ(winner(gateway, "GET", "/x"), "plain");
  EXPECT_EQ(winner(gateway, "GET", "/x", "x-api-version: v2\r\n"), "v2");
  EXPECT_EQ(winner(gateway, "GET", "/x", "X-API-Version: v3\r\n"), "plain");
  EXPECT_EQ(winner(gateway, "GET", "/x", "X-Client: admin\r\n"), "any");
  EXPECT_EQ(winner(gateway, "GET", "/x", "User-Agent: Chrome/120\r\n"), "chrome");
  EXPECT_EQ(winner(gateway, "GET", "/x", "User-Agent: xChrome/120\r\n"), "plain") << "a regex is over the whole value";
  EXPECT_EQ(winner(gateway, "GET", "/x", "X-Beta:\r\n"), "beta");
  EXPECT_EQ(winner(gateway, "GET", "/x?a=b&format=csv"), "csv");
  EXPECT_EQ(winner(gateway, "GET", "/x?format=csv", "X-API-Version: v2\r\n"), "both") << "more conditions first";
}

TEST(Routing, puts_priority_before_everything) {
  Gateway gateway(answering({{"exact", "hosts: [test], path: /x"},
                             {"high", "path: \"/*\", priority: 5"},
                             {"low", "path: /y, priority: -1"}}));
  EXPECT_EQ(winner(gateway, "GET", "/x"), "high");
  EXPECT_EQ(winner(gateway, "GET", "/y"), "high");
}

TEST(Routing, chooses_by_client_and_listener) {
  std::uint16_t second = free_port();
  Gateway gateway("listeners:\n  - {name: public, address: \"@listen@\"}\n  - {name: inner, address: \"127.0.0.1:" +
                  std::to_string(second) + "\"}\n" +
                  answering({{"inner", "path: /x, listeners: [inner]"},
                             {"near", "path: /y, clients: [127.0.0.2/32]"},
                             {"far", "path: /y"}}));
  EXPECT_EQ(winner(gateway, "GET", "/x"), "404");
  EXPECT_EQ(get(second, "/x").body, "inner");
  EXPECT_EQ(winner(gateway, "GET", "/y"), "far");
  RawClient near = gateway.connect({.source = "127.0.0.2"});
  near.send(request("GET", "/y"));
  EXPECT_EQ(near.read_response().body, "near");
}

TEST(Routing, strips_and_rewrites_paths) {
  EchoService echo;
  Gateway gateway(
      "services: [{name: main, url: \"" + echo.url() +
      "\"}]\nroutes:\n"
      "  - {path: \"/users/*\", service: main, strip_path: true}\n"
      "  - {path: \"~/reports/(?P<year>[0-9]{4})\", rewrite: {path: \"/v2/reports/{year}\"}, service: main}\n"
      "  - {path: \"/orders/{id}/details\", rewrite: {path: \"/details/{id}\"}, service: main}\n"
      "  - {path: \"/old/*\", rewrite: {regex: \"^/old/(.*)$\", replace: '/new/\\1'}, service: main}\n");
  auto target = [&](std::string_view sent) { return Echo(gateway.get(sent).body).target; };
  EXPECT_EQ(target("/users"), "/");
  EXPECT_EQ(target("/users/"), "/");
  EXPECT_EQ(target("/users/1?a=b"), "/1?a=b");
  EXPECT_EQ(target("/users/%41?a=%42"), "/A?a=%42") << "normalised because it was stripped";
  EXPECT_EQ(target("/reports/2024?x"), "/v2/reports/2024?x");
  EXPECT_EQ(target("/orders/7/details"), "/details/7");
  EXPECT_EQ(target("/orders/a%2Fb/details"), "/details/a%2Fb");
  EXPECT_EQ(target("/old/a/b"), "/new/a/b");
}

TEST(Routing, a_rewritten_path_is_a_path_and_stays_where_the_service_is) {
  EchoService echo;
  Gateway gateway("services: [{name: main, url: \"" + echo.url() + "/base" +
                  "\"}]\nroutes:\n"
                  "  - {path: \"/s/*\", rewrite: {regex: \"-\", replace: \"\"}, service: main}\n"
                  "  - {path: \"~/f/(?P<a>\\\\.*)-(?P<b>.*)\", rewrite: {path: \"/files/{a}/{b}\"}, service: main}\n"
                  "  - {path: \"/e/*\", rewrite: {regex: \"%2F\", replace: \"/\"}, service: main}\n"
                  "  - {path: \"/p/*\", rewrite: {regex: \"zz\", replace: \"%\"}, service: main}\n");
  auto target = [&](std::string_view sent) {
    const Response response = gateway.get(sent);
    return response.status == 200 ? Echo(response.body).target : std::to_string(response.status);
  };
  EXPECT_EQ(target("/s/a-b"), "/base/s/ab");
  EXPECT_EQ(target("/s/.-./x"), "/base/x");
  EXPECT_EQ(target("/s/.-./.-./admin"), "400");
  EXPECT_EQ(target("/f/..-secret"), "/base/secret");
  EXPECT_EQ(target("/e/a%2F..%2Fb"), "/base/e/b");
  EXPECT_EQ(target("/p/zz"), "400") << "no escape";
  const TempDir dir;
  for (const char* bad : {"path: \"/a b\"", "path: \"/a?x=1\"", "path: \"/a HTTP/1.1\\r\\nX: 1\"", "path: \"/a\\0b\"",
                          "{regex: a, replace: \" \"", "regex: a, replace: \"\\r\\n\"", "regex: a, replace: \"?\""}) {
    const std::string rewrite = std::string(bad).starts_with('{') ? bad : "{" + std::string(bad);
    dir.write("t.yaml",
              "listeners: [{address: \"127.0.0.1:1\"}]\nservices: [{name: a, url: \"http://127.0.0.1:2\"}]\n"
              "routes: [{path: /x, service: a, rewrite: " +
                  rewrite + "}}]\n");
    const Finished done = run_gatehouse({"check", dir.file("t.yaml")});
    EXPECT_EQ(done.exit_code, 1) << bad;
    EXPECT_NE((done.out + done.err).find("routes[0].rewrite"), std::string::npos) << done.out << done.err;
  }
}

TEST(Routing, a_path_with_more_places_to_rewrite_than_are_looked_at_is_refused) {
  EchoService echo;
  Gateway gateway(
      "services: [{name: main, url: \"" + echo.url() +
      "\"}]\nroutes:\n  - {path: \"/a/*\", rewrite: {regex: \"x(.*y)?\", replace: \"z\"}, service: main}\n");
  EXPECT_EQ(Echo(gateway.get("/a/" + std::string(64, 'x')).body).target, "/a/" + std::string(64, 'z'));
  Stopwatch watch;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(gateway.get("/a/" + std::string(8000, 'x')).status, 400);
  EXPECT_LT(watch.elapsed(), Millis(1000 * kSlowness)) << "one such path took 80 ms";
}

TEST(Routing, escapes_are_the_same_in_either_case) {
  Gateway gateway(answering({{"cafe", "path: \"/caf%C3%A9\""}, {"rest", "path: \"/*\""}}));
  EXPECT_EQ(winner(gateway, "GET", "/caf%C3%A9"), "cafe");
  EXPECT_EQ(winner(gateway, "GET", "/caf%c3%a9"), "cafe");
}

TEST(Routing, allow_lists_methods_of_any_name_but_none_that_is_never_served) {
  Gateway gateway(
      "routes:\n  - {name: a, path: /a, methods: [PURGE, GET], respond: {status: 200}}\n"
      "  - {name: b, path: /b, methods: [BREW], respond: {status: 200}}\n"
      "  - {name: c, path: /c, methods: [POST, TRACE, CONNECT], respond: {status: 200}}\n");
  const auto allow = [&](std::string_view path) {
    const Response response = gateway.send(request("DELETE", path));
    return std::to_string(response.status) + " " + std::string(response.header("allow"));
  };
  EXPECT_EQ(allow("/a"), "405 GET, HEAD, PURGE");
  EXPECT_EQ(allow("/b"), "405 BREW");
  EXPECT_EQ(allow("/c"), "405 POST");
}

TEST(Routing, a_condition_on_upgrade_sees_what_the_client_wants) {
  Gateway gateway(answering({{"ws", "path: \"/*\", headers: {Upgrade: websocket}"}, {"rest", "path: \"/*\""}}));
  const std::string handshake =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_EQ(winner(gateway, "GET", "/", handshake), "ws");
  EXPECT_EQ(winner(gateway, "GET", "/", "Connection: Upgrade\r\nUpgrade: other\r\n"), "rest");
  EXPECT_EQ(winner(gateway, "GET", "/"), "rest");
}

TEST(Routing, redirects_and_responds) {
  Gateway gateway(
      "routes:\n  - {name: old, path: \"/v1/*\", redirect: {location: \"https://shop.example.com/v2/\", status: 308}}\n"
      "  - {name: item, path: \"/item/{id}\", redirect: {location: \"/items/{id}\"}}\n"
      "  - {name: teapot, path: /tea, respond: {status: 418, headers: {X-Pot: short}, body: \"short and stout\"}}\n");
  Response moved = gateway.get("/v1/x");
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.header("location"), "https://shop.example.com/v2/");
  Response item = gateway.get("/item/7");
  EXPECT_EQ(item.status, 302);
  EXPECT_EQ(item.header("location"), "/items/7");
  Response evil = gateway.get("/item/a%0d%0aSet-Cookie:%20x");
  EXPECT_FALSE(evil.fields.has("set-cookie")) << evil.describe();
  Response tea = gateway.get("/tea");
  EXPECT_EQ(tea.status, 418);
  EXPECT_EQ(tea.header("x-pot"), "short");
  EXPECT_EQ(tea.body, "short and stout");
  EXPECT_EQ(tea.header("content-length"), "15");
}

TEST(Routing, serves_what_matches_nothing_by_the_default_service) {
  EchoService echo;
  Gateway gateway("default_service: main\nservices: [{name: main, url: \"" + echo.url() +
                  "\"}]\nroutes: [{path: /x, respond: {status: 200, body: x}}, {path: /none, methods: [GET]}]\n");
  EXPECT_EQ(gateway.get("/none").status, 200) << "a route without an action";
  EXPECT_EQ(gateway.get("/x").body, "x");
}

struct SplitGateway {
  explicit SplitGateway(const std::string& sticky)
      : gateway("services: [{name: v1, url: \"" + one.url() + "\"}, {name: v2, url: \"" + two.url() +
                "\"}]\nroutes: [{path: \"/*\", split: {services: {v1: 80, v2: 20}" + sticky + "}}]\n") {}
  EchoService one{"v1"}, two{"v2"};
  Gateway gateway;
};

TEST(Routing, splits_by_weight) {
  SplitGateway split("");
  int second = 0;
  for (int i = 0; i < 500; ++i) second += split.gateway.get("/").header("x-service") == "v2" ? 1 : 0;
  EXPECT_GT(second, 50);
  EXPECT_LT(second, 160);
}

TEST(Routing, keeps_a_client_on_its_side_of_a_split_by_cookie_and_header) {
  SplitGateway by_header(", sticky: {header: X-User}");
  std::map<std::string, int> sides;
  for (int user = 0; user < 60; ++user) {
    std::string field = "X-User: user-" + std::to_string(user) + "\r\n";
    std::string side = by_header.gateway.get("/", field).header("x-service");
    ++sides[side];
    for (int i = 0; i < 3; ++i) EXPECT_EQ(by_header.gateway.get("/", field).header("x-service"), side);
  }
  EXPECT_GT(sides["v1"], sides["v2"]);
  EXPECT_GT(sides["v2"], 0);

  SplitGateway by_cookie(", sticky: {cookie: canary}");
  Response first = by_cookie.gateway.get("/");
  std::string cookie = first.header("set-cookie");
  ASSERT_TRUE(cookie.starts_with("canary=")) << first.describe();
  std::string field = "Cookie: a=b; " + cookie.substr(0, cookie.find(';')) + "\r\n";
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(by_cookie.gateway.get("/", field).header("x-service"), first.header("x-service"));
  }
}

TEST(Routing, is_explained_the_same_by_command_and_admin_as_it_happens) {
  Gateway gateway(answering({{"exact", "path: /x, methods: [GET]"},
                             {"v2", "path: /x, headers: {X-API-Version: v2}"},
                             {"rest", "path: \"/*\", hosts: [shop.example]"}}));
  struct Case {
    const char *method, *url, *field, *expected;
  };
  for (const Case& c :
       {Case{"GET", "http://test/x", "", "exact"}, Case{"POST", "http://test/x", "X-API-Version: v2", "v2"},
        Case{"GET", "http://test/x", "X-API-Version: v2", "v2"}, Case{"GET", "http://shop.example/y", "", "rest"}}) {
    SCOPED_TRACE(std::string(c.method) + " " + c.url + " " + c.field);
    std::string url = c.url, path = url.substr(url.find('/', 7)), host = url.substr(7, url.find('/', 7) - 7);
    std::string field = *c.field != '\0' ? std::string(c.field) + "\r\n" : "";
    EXPECT_EQ(winner(gateway, c.method, path, field, host), c.expected);
    std::vector<std::string> command{"explain", gateway.config_file(), std::string(c.method) + " " + url, "--format",
                                     "json"};
    std::string query = "/explain?format=json&method=" + std::string(c.method) + "&url=" + url;
    if (*c.field != '\0') {
      command.insert(command.end(), {"-H", c.field});
      query += "&header=" + std::string("X-API-Version:%20v2");
    }
    Finished told = run_gatehouse(command);
    EXPECT_EQ(told.exit_code, 0) << told.err;
    Response asked = gateway.admin("GET", query);
    EXPECT_EQ(asked.status, 200) << asked.describe();
    for (const std::string& text : {told.out, asked.body}) {
      boost::system::error_code error;
      boost::json::value value = boost::json::parse(text, error);
      ASSERT_FALSE(error) << text;
      EXPECT_NE(boost::json::serialize(value).find("route " + std::string(c.expected) + " wins"), std::string::npos)
          << text;
    }
  }
}

}  // namespace
}  // namespace gatehouse::test
