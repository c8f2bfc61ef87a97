#include <algorithm>
#include <atomic>
#include <thread>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

std::string limited(std::string_view config, std::string_view more = "") {
  return "workers: 4\nadmin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\nlisteners: "
         "[{name: public, address: \"@listen@\"}]\n"
         "plugins: [{name: rate-limiting, config: " +
         std::string(config) + "}]\n" + "routes: [{name: all, path: \"/*\", respond: {status: 200}}" +
         std::string(more) + "]\n";
}

/// How many of `count` requests pass, sent from several connections at once.
int admitted(const Gateway& gateway, int count) {
  constexpr int kConnections = 16;
  std::atomic<int> left{count}, passed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kConnections; ++t) {
    threads.emplace_back([&] {
      RawClient client = gateway.connect();
      while (left-- > 0) {
        client.send(request("GET", "/"));
        const int status = client.read_response().status;
        EXPECT_TRUE(status == 200 || status == 429) << status;
        passed += status == 200;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return passed;
}

TEST(RateLimiting, admits_exactly_the_limit_from_all_workers) {
  for (const char* config : {"{year: 500}", "{year: 500, algorithm: sliding-window}",
                             "{year: 500, algorithm: token-bucket}", "{month: 500, year: 500}"}) {
    Gateway gateway(limited(config));
    EXPECT_EQ(admitted(gateway, 2000), 500) << config;
    EXPECT_EQ(gateway.wait_metric("gatehouse_errors_total", 1500, {"reason=\"rate_limited\""}), 1500);
  }
}

TEST(RateLimiting, goes_on_through_reloads_and_a_changed_limit) {
  Gateway gateway(limited("{year: 50}"));
  EXPECT_EQ(admitted(gateway, 60), 50);
  ASSERT_TRUE(gateway.reload(limited("{year: 50}", ", {name: more, path: /more, respond: {status: 200}}")));
  EXPECT_EQ(admitted(gateway, 10), 0);
  ASSERT_TRUE(gateway.reload(limited("{year: 70}")));
  EXPECT_EQ(admitted(gateway, 100), 20);
}

TEST(RateLimiting, instances_and_places_count_apart_and_the_nearest_replaces) {
  Gateway gateway(
      "listeners: [{name: public, address: \"@listen@\"}]\nplugins: [{name: rate-limiting, config: {year: "
      "3}}]\nroutes:\n"
      "  - {name: a, path: /a, respond: {status: 200}}\n"
      "  - {name: b, path: /b, respond: {status: 200}, plugins: [{name: rate-limiting, config: {year: 5}}]}\n"
      "  - {name: c, path: /c, respond: {status: 200}, plugins: [{name: rate-limiting, enabled: false}]}\n"
      "  - {name: d, path: /d, respond: {status: 200}, plugins: [{name: rate-limiting, instance: second, config: "
      "{year: 1, "
      "limit_by: path}}]}\n");
  const auto passed = [&](std::string_view path, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) good += gateway.get(path).status == 200;
    return good;
  };
  EXPECT_EQ(passed("/b", 10), 5);
  EXPECT_EQ(passed("/c", 10), 10);
  EXPECT_EQ(passed("/d", 1), 1);
  EXPECT_EQ(passed("/d", 5), 0) << "the second instance refuses";
  // Where the first instance stands in front of the second it has counted what the second refused.
  EXPECT_LE(passed("/a", 10), 2);
}

TEST(RateLimiting, tells_clients_and_the_log) {
  Gateway gateway(limited("{year: 1}") + "error_format: problem\n");
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "0");
  const Response refused = gateway.get("/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("x-gatehouse-error"), "rate_limited");
  EXPECT_EQ(refused.header("content-type"), "application/problem+json");
  EXPECT_FALSE(refused.header("retry-after").empty());
  // Each worker writes its own lines, so they are in no order.
  EXPECT_EQ(std::ranges::count_if(
                gateway.access_log(2),
                [](const std::string& line) { return line.find("\"reason\":\"rate_limited\"") != std::string::npos; }),
            1);
}

/// Waits until no request is under way: its place is given back behind its answer, which the client may have before.
void wait_until_idle(Gateway& gateway) {
  EXPECT_EQ(gateway.wait_metric("gatehouse_connections", 0, {"listener=\"public\"", "state=\"active\""}), 0);
}

TEST(RateLimiting, gives_the_place_of_a_client_that_leaves_while_it_waits_to_another) {
  // The first passes; each of the others waits for about a minute more.
  Gateway gateway(limited("{minute: 1, algorithm: leaky-bucket, burst: 5, connections: 2}"));
  const std::vector<std::string> active{"listener=\"public\"", "state=\"active\""};
  EXPECT_EQ(gateway.get("/").status, 200);
  wait_until_idle(gateway);
  RawClient leaving = gateway.connect(), staying = gateway.connect();
  leaving.send(request("GET", "/"));
  staying.send(request("GET", "/"));
  EXPECT_EQ(gateway.wait_metric("gatehouse_connections", 2, active), 2);
  EXPECT_EQ(gateway.get("/").status, 429) << "two are under way";
  leaving.reset();
  EXPECT_EQ(gateway.wait_metric("gatehouse_errors_total", 1, {"reason=\"client_closed\""}), 1);
  RawClient next = gateway.connect();
  next.send(request("GET", "/"));
  EXPECT_EQ(gateway.wait_metric("gatehouse_connections", 2, active), 2);
  EXPECT_EQ(gateway.metric("gatehouse_errors_total", {"reason=\"rate_limited\""}), 1) << "it waits as well";
  staying.reset();
  next.reset();
}

TEST(RateLimiting, bounds_what_is_under_way_over_all_workers) {
  constexpr int kClients = 20, kAtOnce = 3;
  Gate gate;
  HttpService service([&](ServiceExchange& exchange) {
    exchange.wait(gate.fd());
    exchange.respond(200, "done");
  });
  Gateway gateway("workers: 4\nlisteners: [{name: public, address: \"@listen@\"}]\nservices: [{name: main, url: \"" +
                  service.url() +
                  "\"}]\nroutes: [{path: /, service: main}]\n"
                  "plugins: [{name: rate-limiting, config: {connections: 3}}]\n");
  std::vector<RawClient> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(gateway.connect());
    clients.back().send(request("GET", "/"));
  }
  const std::vector<std::string> limited_reason{"reason=\"rate_limited\""};
  EXPECT_EQ(gateway.wait_metric("gatehouse_errors_total", kClients - kAtOnce, limited_reason), kClients - kAtOnce);
  gate.open();
  int passed = 0;
  for (RawClient& client : clients) passed += client.read_response().status == 200;
  EXPECT_EQ(passed, kAtOnce);
  wait_until_idle(gateway);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gateway.get("/").status, 200) << "each has given its place back";
}

}  // namespace
}  // namespace gatehouse::test
