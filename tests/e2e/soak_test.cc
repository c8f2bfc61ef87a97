// HTTP/2 and WebSocket through TLS, while configuration and certificates are replaced and at last the gateway is
// stopped: nothing fails, and nothing is cut.

#include <atomic>
#include <thread>

#include "e2e/fixtures.h"
#include "support/certificates.h"
#include "support/h2_client.h"
#include "support/tls_client.h"

namespace gatehouse::test {
namespace {

constexpr int kClients = 3, kTunnels = 3;
constexpr Millis kLong{20'000 * kSlowness};

/// Changes to WebSocket and sends back whatever comes.
Script echo_tunnel() {
  return {step::expect_head(),
          step::send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
          [](PeerConnection& connection) {
            while (connection.read_until([](std::string_view bytes) { return !bytes.empty(); })) {
              const std::string bytes(connection.unread());
              if (!connection.write(bytes)) return false;
              connection.consume(bytes.size());
            }
            return true;
          },
          step::close()};
}

struct Count {
  std::atomic<std::uint64_t> done{0}, failed{0};
  std::atomic<int> goodbyes{0};
};

/// Requests in batches on one HTTP/2 connection, until it is told to stop or the gateway says goodbye.
void ask_without_end(const TlsOptions& options, std::uint16_t port, const std::atomic<bool>& stop, Count& count) {
  TlsClient tls(port, options);
  H2Client client(tls.raw());
  while (!stop && client.goaway() < 0 && client.alive()) {
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(client.request("GET", "/" + std::to_string(i) + "?size=5000"));
    for (const std::int32_t id : ids) {
      const H2Answer& answer = client.wait(id, Deadline(kLong));
      const bool refused = client.goaway() >= 0 && id > client.goaway_last_stream();
      const bool good = !answer.reset && answer.response.status == 200 && answer.response.body.size() == 5000;
      if (!refused) ++(good ? count.done : count.failed);
    }
  }
  if (client.goaway() == 0) ++count.goodbyes;
}

/// A frame out, the same frame back, until it is told to stop or gets a Close frame.
void echo_without_end(const TlsOptions& options, std::uint16_t port, const std::atomic<bool>& stop, Count& count) {
  TlsClient tls(port, options);
  tls->send(request("GET", "/tunnel", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "", "shop.test"));
  if (tls->read_head().status != 101) {
    ++count.failed;
    return;
  }
  const std::string frame = std::string("\x82\x85\0\0\0\0", 6) + "hello";
  const std::string goodbye("\x88\x02\x03\xe9", 4);
  while (!stop) {
    tls->send(frame);
    std::string back = tls->read_exactly(goodbye.size());
    if (back == goodbye) {
      ++count.goodbyes;
      return;
    }
    back += tls->read_exactly(frame.size() - goodbye.size());
    ++(back == frame ? count.done : count.failed);
    if (back != frame) return;
  }
}

TEST(Soak, reloads_new_certificates_and_a_drain_cost_nobody_anything) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"shop.test"});
  EchoService echo;
  std::vector<Script> scripts(kTunnels, echo_tunnel());
  ScriptedPeer tunnels(std::move(scripts));
  const auto config = [&](int generation) {
    return "workers: 2\nadmin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\n"
           "listeners:\n  - {name: secure, address: \"@listen@\", tls: {certificates: [{cert: " +
           files.file("shop.pem") + ", key: " + files.file("shop.key") + "}]}}\nservices:\n  - {name: main, url: \"" +
           echo.url() + "\"}\n  - {name: tunnels, url: \"" + tunnels.url() +
           "\"}\nroutes:\n  - {path: /tunnel, service: tunnels}\n  - {path: \"/gen-" + std::to_string(generation) +
           "\", respond: {}}\n  - {path: \"/*\", service: main}\n";
  };
  Gateway gateway(config(0));
  const TlsOptions http2{.ca = ca.file(), .host = "shop.test", .alpn = "h2"};
  const TlsOptions http1{.ca = ca.file(), .host = "shop.test", .alpn = "http/1.1"};
  std::atomic<bool> stop{false}, pause{false};
  Count requests, frames, fresh;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i)
    threads.emplace_back([&] { ask_without_end(http2, gateway.port(), stop, requests); });
  for (int i = 0; i < kTunnels; ++i)
    threads.emplace_back([&] { echo_without_end(http1, gateway.port(), stop, frames); });
  std::thread newcomer([&] {  // a connection for each request, with a handshake
    while (!pause) {
      TlsClient client(gateway.port(), http1);
      client->send(request("GET", "/", "Connection: close\r\n", "", "shop.test"));
      ++(client.shaken() && client->read_response().status == 200 ? fresh.done : fresh.failed);
    }
  });

  int generation = 0;
  const Deadline enough(Millis(4000)), last(Millis(60'000));
  while (!last.passed() && !(enough.passed() && generation >= 10)) {
    if (generation % 3 == 0)
      ca.issue("shop", {"shop.test"}, generation % 2 == 0 ? TestCa::Key::ecdsa : TestCa::Key::rsa);
    EXPECT_TRUE(gateway.reload(config(++generation)));
    gateway.process().pause(Millis(20));
  }
  pause = true;
  newcomer.join();
  EXPECT_GE(generation, 10);
  EXPECT_EQ(gateway.stop(), 0);
  stop = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(requests.failed, 0U) << "of " << requests.done;
  EXPECT_EQ(frames.failed, 0U) << "of " << frames.done;
  EXPECT_EQ(fresh.failed, 0U) << "of " << fresh.done;
  EXPECT_GT(requests.done, 200U);
  EXPECT_GT(frames.done, 200U);
  EXPECT_GT(fresh.done, 20U);
  EXPECT_EQ(requests.goodbyes, kClients) << "GOAWAY";
  EXPECT_EQ(frames.goodbyes, kTunnels) << "Close 1001";
}

}  // namespace
}  // namespace gatehouse::test
