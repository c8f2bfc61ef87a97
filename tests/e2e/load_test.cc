#include <csignal>
#include <thread>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

#ifdef GATEHOUSE_SANITIZED
constexpr int kSeconds = 5, kReloads = 20;
#else
constexpr int kSeconds = 10, kReloads = 200;
#endif

std::string version(const std::string& url, int number) {
  return forward_all(url) + "  - {name: version, path: /version, respond: {status: 200, body: \"" +
         std::to_string(number) + "\"}}\n";
}

TEST(Load, reloads_under_traffic_fail_no_request_and_leak_nothing) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
  Gateway gateway(version(service.url(), 0));
  Process wrk({"wrk", "-t1", "-c32", "-d" + std::to_string(kSeconds) + "s",
               "http://127.0.0.1:" + std::to_string(gateway.port()) + "/"});
  Stopwatch watch;
  [[maybe_unused]] std::size_t early = 0;
  Millis step = Millis(kSeconds * 900) / kReloads;
  for (int i = 1; i <= kReloads; ++i) {
    ASSERT_TRUE(gateway.reload(version(service.url(), i)));
    if (i == kReloads / 4) early = gateway.process().resident_kib();
    while (watch.elapsed() < step * i) gateway.process().pause(step * i - watch.elapsed());
  }
  [[maybe_unused]] std::size_t late = gateway.process().resident_kib();
  ASSERT_EQ(wrk.wait_exit(Deadline(Millis(30000))), 0);
  std::string report = wrk.out();
  ASSERT_NE(report.find("requests in"), std::string::npos) << report << wrk.err();
  EXPECT_EQ(report.find("Non-2xx"), std::string::npos) << report;
  EXPECT_EQ(report.find("Socket errors"), std::string::npos) << report;
  EXPECT_GT(service.requests(), 1000U) << report;
  EXPECT_EQ(gateway.get("/version").body, std::to_string(kReloads));
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(late, early + 4 * 1024) << "KiB after a quarter of the reloads and after all";
#endif
}

/// Counts what a client that behaves like a browser sees: an orderly end of a kept connection before any byte of the
/// answer makes it ask again on a new one; nothing listening means the gateway is gone.
struct Client {
  std::uint64_t answered = 0, failed = 0;
  std::string first_failure;

  void run(std::uint16_t port) {
    for (;;) {
      RawClient connection(port);
      if (!connection.connected()) return;
      for (int sent = 0;; ++sent) {
        connection.send(request("GET", "/"));
        Response response = connection.read_response();
        if (response.status == 0 && sent > 0 && connection.buffered().empty() && response.end == End::eof) break;
        if (response.status != 200 || !response.complete) {
          ++failed;
          if (first_failure.empty()) first_failure = std::to_string(sent) + " before it; " + response.describe();
          break;
        }
        ++answered;
        if (has_token(response.fields, "connection", "close")) break;
      }
    }
  }
};

TEST(Load, a_stop_under_traffic_fails_no_request) {
  for (int round = 0; round < 3; ++round) {
    HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
    Gateway gateway(forward_all(service.url()));
    std::vector<Client> clients(12);
    std::vector<std::thread> threads;
    for (Client& client : clients) threads.emplace_back([&] { client.run(gateway.port()); });
    for (Deadline deadline; service.requests() < 2000 && !deadline.passed();) gateway.process().pause(Millis(5));
    EXPECT_EQ(gateway.stop(), 0);
    std::uint64_t answered = 0;
    for (std::thread& thread : threads) thread.join();
    for (Client& client : clients) {
      answered += client.answered;
      EXPECT_EQ(client.failed, 0U) << client.first_failure;
    }
    EXPECT_GT(answered, 500U);
  }
}

TEST(Load, many_short_connections_leak_no_descriptor) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
  Gateway gateway(forward_all(service.url()));
  gateway.get("/");
  std::size_t before = gateway.process().open_descriptors();
  for (int i = 0; i < 2000; ++i) {
    RawClient client = gateway.connect();
    client.send(request("GET", "/"));
    if (i % 3 == 0) {
      client.reset();  // leaves without waiting
    } else {
      ASSERT_EQ(client.read_response().status, 200);
    }
  }
  std::size_t after = gateway.process().open_descriptors();
  for (Deadline deadline; after > before + 8 && !deadline.passed(); after = gateway.process().open_descriptors()) {
    gateway.process().pause(Millis(20));
  }
  EXPECT_LE(after, before + 8);
}

}  // namespace
}  // namespace gatehouse::test
