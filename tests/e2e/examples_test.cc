// What the comments of the examples promise, as far as it takes services and certificates: examples of plain HTTP are
// looked at by tools/check_examples and the documents' tests.

#include <openssl/ssl.h>

#include <fstream>
#include <sstream>

#include "e2e/fixtures.h"
#include "support/h2_client.h"
#include "support/tls_client.h"

namespace gatehouse::test {
namespace {

const std::string kExamples = GATEHOUSE_SOURCE_DIR "/examples/";

/// An example with its ports taken by free ones, and its certificates by fresh ones.
struct Example {
  Example(std::string_view name, const std::vector<std::pair<std::string, std::string>>& services) {
    EXPECT_EQ(run_gatehouse({"demo", "--certificates", files.file("certs"), "--print-config"}).exit_code, 0);
    std::ifstream file(kExamples + std::string(name));
    std::stringstream all;
    all << file.rdbuf();
    text = all.str();
    replace("127.0.0.1:8443", "127.0.0.1:" + std::to_string(secure));
    replace("127.0.0.1:8080", "127.0.0.1:" + std::to_string(plain));
    replace("https://localhost:8443/", "https://localhost:" + std::to_string(secure) + "/");
    replace("certs/", files.file("certs") + "/");
    for (const auto& [written, real] : services) replace(written, real);
    gateway = std::make_unique<Gateway>(text);
  }
  void replace(const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
      text.replace(at, what.size(), by);
  }
  TlsOptions options(bool ada = false, std::string alpn = "http/1.1") const {
    TlsOptions made{.ca = files.file("certs/ca.pem"), .host = "localhost", .alpn = std::move(alpn)};
    if (ada) made.cert = files.file("certs/ada.pem"), made.key = files.file("certs/ada.key");
    return made;
  }
  Response ask(const TlsOptions& how, std::string_view target) const {
    TlsClient client(secure, how);
    client->send(request("GET", target, "", "", "localhost"));
    return client->read_response();
  }
  TempDir files;
  std::uint16_t plain = free_port(), secure = free_port();
  std::string text;
  std::unique_ptr<Gateway> gateway;
};

TEST(Examples, tls) {
  EchoService users;
  const Example example("tls.yaml", {{"http://127.0.0.1:9001", users.url()}});
  const Response answer = example.ask(example.options(), "/users/1");
  EXPECT_EQ(answer.status, 200) << answer.describe();
  EXPECT_EQ(answer.header("strict-transport-security"), "max-age=86400");
  TlsClient h2(example.secure, example.options(false, "h2"));
  EXPECT_EQ(h2.alpn(), "h2");
  TlsOptions old = example.options();
  old.version = TLS1_1_VERSION;
  EXPECT_FALSE(TlsClient(example.secure, old).shaken());
  RawClient plain(connect_tcp(example.plain));
  plain.send(request("GET", "/users/1"));
  const Response moved = plain.read_response();
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.header("location"), "https://localhost:" + std::to_string(example.secure) + "/users/1");
}

TEST(Examples, mutual_tls) {
  EchoService users, payments;
  const Example example("mutual-tls.yaml",
                        {{"http://127.0.0.1:9001", users.url()}, {"http://127.0.0.1:9004", payments.url()}});
  EXPECT_EQ(example.ask(example.options(), "/users/1").status, 200);
  EXPECT_EQ(example.ask(example.options(), "/payments/9001").status, 403);
  EXPECT_EQ(example.ask(example.options(true), "/payments/9001").status, 200);
  EXPECT_EQ(Echo(example.ask(example.options(true), "/users/echo").body).fields.get("x-client-subject"), "CN=ada");
}

TEST(Examples, websocket) {
  const std::uint16_t port = free_port();
  Process service({"/usr/bin/env", "python3", kExamples + "services/websocket_echo.py", std::to_string(port)});
  const Deadline up(Millis(20'000 * kSlowness));
  while (!connect_tcp(port) && !up.passed()) service.pause(Millis(20));
  const Example example("websocket.yaml", {{"127.0.0.1:9012", "127.0.0.1:" + std::to_string(port)}});
  const std::string handshake =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
      "dGhlIHNhbXBsZSBub25jZQ==\r\n";
  RawClient client(connect_tcp(example.plain));
  client.send(request("GET", "/chat", handshake));
  const Response changed = client.read_head();
  EXPECT_EQ(changed.status, 101) << changed.describe();
  EXPECT_EQ(changed.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  client.send(std::string("\x81\x82\1\1\1\1", 6) + "ih");  // masked "hi"
  EXPECT_EQ(client.read_exactly(4), std::string("\x81\x02hi"));
  for (const auto& [target, fields] : {std::pair("/chat", ""), std::pair("/plain/chat", handshake.c_str())}) {
    RawClient other(connect_tcp(example.plain));
    other.send(request("GET", target, fields));
    EXPECT_EQ(other.read_response().status, 426) << target;
  }
}

TEST(Examples, events) {
  const std::uint16_t port = free_port();
  Process service({"/usr/bin/env", "python3", kExamples + "services/events.py", std::to_string(port), "0.05"});
  const Deadline up(Millis(20'000 * kSlowness));
  while (!connect_tcp(port) && !up.passed()) service.pause(Millis(20));
  const Example example("events.yaml", {{"127.0.0.1:9013", "127.0.0.1:" + std::to_string(port)}});
  RawClient client(connect_tcp(example.plain));
  client.send(request("GET", "/events"));
  EXPECT_TRUE(client.wait_for("id: 2\ndata: it is "));
  client.close();
  const Deadline gone;
  while (service.out().find("nobody listens") == std::string::npos && !gone.passed()) service.pause(Millis(20));
  EXPECT_NE(service.out().find("nobody listens"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::test
