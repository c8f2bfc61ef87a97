// WebSocket, events and gRPC with peers that others wrote (npm ws, grpc-js, a browser), with a gateway in between.

#include <gtest/gtest.h>

#include <filesystem>

#include "support/certificates.h"
#include "support/gateway.h"
#include "support/h2_client.h"

namespace gatehouse::test {
namespace {

namespace fs = std::filesystem;

constexpr Millis kLong{60'000 * kSlowness};
const std::string kScript = GATEHOUSE_SOURCE_DIR "/tests/conformance/node_peer.js";

/// The folder of the npm packages, under build/peers; "" where they cannot be had here.
std::string node_modules() {
  static const std::string found = [] {
    const fs::path folder = fs::path(GATEHOUSE_SOURCE_DIR) / "build" / "peers" / "node";
    const std::string modules = (folder / "node_modules").string();
    const auto there = [&] {
      return fs::exists(modules + "/ws/package.json") && fs::exists(modules + "/@grpc/grpc-js/package.json") &&
             fs::exists(modules + "/playwright-core/package.json");
    };
    if (run_program({"/usr/bin/env", "node", "--version"}).exit_code != 0) return std::string();
    if (there()) return modules;
    std::error_code ignored;
    fs::create_directories(folder, ignored);
    const std::string install =
        "cd '" + folder.string() + "' && npm install --no-audit --no-fund --silent ws playwright-core @grpc/grpc-js";
    (void)run_program({"/bin/sh", "-c", install}, {}, Deadline(Millis(240'000)));
    return there() ? modules : std::string();
  }();
  return found;
}

std::vector<std::string> node(std::vector<std::string> arguments) {
  std::vector<std::string> all{"/usr/bin/env", "NODE_PATH=" + node_modules(), "node", kScript};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

/// A service of node_peer.js behind a gateway with a plain listener and one with TLS.
struct NodeGateway {
  explicit NodeGateway(std::string_view scheme = "http", std::string_view kind = "serve")
      : ca(files.path()), service(node({std::string(kind), std::to_string(port)})) {
    ca.issue("shop", {"localhost", "127.0.0.1"});
    const Deadline up(Millis(20'000 * kSlowness));
    while (!connect_tcp(port) && !up.passed()) service.pause(Millis(20));
    gateway = std::make_unique<Gateway>(
        "admin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\n"
        "listeners:\n  - {name: public, address: \"@listen@\"}\n  - {name: secure, address: \"127.0.0.1:" +
        std::to_string(secure) + "\", tls: {certificates: [{cert: " + files.file("shop.pem") +
        ", key: " + files.file("shop.key") + "}]}}\nservices: [{name: main, url: \"" + std::string(scheme) +
        "://127.0.0.1:" + std::to_string(port) + "\"}]\nroutes: [{name: all, path: \"/*\", service: main}]\n");
  }
  bool service_says(std::string_view words) {
    const Deadline deadline;
    while (service.out().find(words) == std::string::npos && !deadline.passed()) service.pause(Millis(20));
    return service.out().find(words) != std::string::npos;
  }
  TempDir files;
  TestCa ca;
  std::uint16_t port = free_port(), secure = free_port();
  Process service;
  std::unique_ptr<Gateway> gateway;
};

TEST(NodePeers, ws_talks_through_the_gateway) {
  if (node_modules().empty()) GTEST_SKIP() << "there is no node here, or its packages cannot be installed";
  NodeGateway peer;
  const std::string plain = "ws://127.0.0.1:" + std::to_string(peer.gateway->port()) + "/ws";
  const std::string secure = "wss://127.0.0.1:" + std::to_string(peer.secure) + "/ws";
  for (const std::string& url : {plain, secure}) {
    const Finished done = run_program(node({"websocket", url}), {}, Deadline(kLong));
    EXPECT_EQ(done.out,
              "text hello\n"
              "large 3000000 true true\n"
              "fragments one two\n"
              "pong are you there\n"
              "closed 4001 as you wish\n"
              "negotiated shop.v1 100000\n"
              "many 50\n")
        << url << done.err;
  }
  EXPECT_TRUE(peer.service_says("websocket from https"));
  EXPECT_TRUE(peer.service_says("websocket gone 1006")) << "a client that was cut off";
}

TEST(NodePeers, grpc_js_calls_grpc_js) {
  if (node_modules().empty()) GTEST_SKIP() << "there is no node here, or its packages cannot be installed";
  NodeGateway peer("grpc", "serve-grpc");
  const Finished done =
      run_program(node({"grpc", "127.0.0.1:" + std::to_string(peer.gateway->port())}), {}, Deadline(kLong));
  EXPECT_EQ(done.out,
            "unary hi t\n"
            "fail NOT_FOUND no such order\n"
            "unknown UNIMPLEMENTED\n"
            "many a0,a1,a2,a3,a4\n"
            "sum a,b,c\n"
            "chat re:0,re:1,re:2\n"
            "large 3000000 t\n"
            "hundreds 300\n")
      << done.err;
}

TEST(NodePeers, events_flow_through_http_2_until_the_client_goes) {
  if (node_modules().empty()) GTEST_SKIP() << "there is no node here, or its packages cannot be installed";
  NodeGateway peer;
  RawClient raw = peer.gateway->connect();
  H2Client client(raw);
  const std::int32_t id = client.request("GET", "/events");
  const std::string_view three = "data: 0\n\ndata: 1\n\ndata: 2\n\n";
  EXPECT_TRUE(client.wait_body(id, three.size()).response.body.starts_with(three));
  EXPECT_EQ(client.get("/plain").body, "plain") << "on the same connection meanwhile";
  client.reset(id, 8);
  client.read_for(Millis(50));
  EXPECT_TRUE(peer.service_says("events gone"));
}

TEST(NodePeers, a_browser_speaks_http_2_websocket_and_events) {
  if (node_modules().empty()) GTEST_SKIP() << "there is no node here, or its packages cannot be installed";
  if (!fs::exists("/usr/bin/chromium")) GTEST_SKIP() << "there is no browser here (Debian's package chromium)";
  NodeGateway peer;
  const Finished done = run_program(
      node({"browser", "https://localhost:" + std::to_string(peer.secure), "/usr/bin/chromium"}), {}, Deadline(kLong));
  EXPECT_EQ(done.out,
            "fetch plain\n"
            "protocol h2\n"
            "posted 300000\n"
            "websocket hello,200000,1000,true\n"
            "events 0,1,2\n")
      << done.err;
  EXPECT_TRUE(peer.service_says("websocket gone 1000 enough"));
  EXPECT_TRUE(peer.service_says("events gone"));
  const std::vector<std::string> log = peer.gateway->access_log(5);
  int tunnels = 0;
  for (const std::string& line : log)
    tunnels += line.find("\"path\":\"/ws\"") != std::string::npos && line.find("\"status\":101") != std::string::npos;
  EXPECT_EQ(tunnels, 1);
}

}  // namespace
}  // namespace gatehouse::test
