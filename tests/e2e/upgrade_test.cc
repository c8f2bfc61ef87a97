#include <csignal>
#include <thread>
#include <tuple>

#include "e2e/fixtures.h"
#include "support/h2_client.h"

namespace gatehouse::test {
namespace {

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    "abc\r\n\r\n";

/// Sends back whatever comes, until its end.
Step echo_bytes() {
  return [](PeerConnection& connection) {
    while (connection.read_until([](std::string_view bytes) { return !bytes.empty(); })) {
      const std::string bytes(connection.unread());
      if (!connection.write(bytes)) return false;
      connection.consume(bytes.size());
    }
    return true;
  };
}

std::string handshake(std::string_view target = "/", std::string_view protocol = "websocket") {
  return request("GET", target,
                 "Connection: keep-alive, Upgrade\r\nUpgrade: " + std::string(protocol) +
                     "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n");
}

RequestHead first_head(ScriptedPeer& peer) {
  const std::string bytes = peer.received();
  RequestHead head;
  EXPECT_TRUE(parse_request_head(std::string_view(bytes).substr(0, head_length(bytes)), head)) << bytes;
  return head;
}

/// A service that changes to WebSocket and sends everything back, behind a gateway.
struct WebSocketEcho {
  explicit WebSocketEcho(std::string_view service = "", std::string_view route = "", std::string_view front = "")
      : peer({{step::expect_head(), step::send(std::string(kSwitch)), echo_bytes(), step::close()}}),
        gateway(std::string(front) + forward_all(peer.url(), service, route)) {}
  RawClient open() const {
    RawClient client = gateway.connect();
    client.send(handshake());
    EXPECT_EQ(client.read_head().status, 101);
    return client;
  }
  ScriptedPeer peer;
  Gateway gateway;
};

TEST(Upgrade, passes_a_websocket_with_its_handshake) {
  WebSocketEcho peer;
  RawClient client = peer.gateway.connect();
  client.send(handshake("/chat?x=1") + "early");
  const Response response = client.read_head();
  EXPECT_EQ(response.status, 101) << response.describe();
  EXPECT_TRUE(has_token(response.fields, "connection", "upgrade"));
  EXPECT_EQ(response.header("upgrade"), "websocket");
  EXPECT_EQ(response.header("sec-websocket-accept"), "abc");
  EXPECT_EQ(client.read_exactly(5), "early");
  const RequestHead seen = first_head(peer.peer);
  EXPECT_EQ(seen.target, "/chat?x=1");
  EXPECT_EQ(seen.fields.all("upgrade"), std::vector<std::string>{"websocket"});
  EXPECT_EQ(seen.fields.all("connection"), std::vector<std::string>{"Upgrade"});
  EXPECT_EQ(seen.fields.get("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_TRUE(seen.fields.has("x-forwarded-for"));
  const std::string large = pattern(2'000'000);
  std::thread sender([&] { client.send(large); });
  EXPECT_TRUE(client.read_exactly(large.size()) == large);
  sender.join();
  client.close();
  const std::string line = peer.gateway.access_log(1).back();
  EXPECT_NE(line.find("\"status\":101"), std::string::npos) << line;
  EXPECT_NE(line.find("\"bytes_in\":2000005,\"bytes_out\":2000005"), std::string::npos) << line;
}

TEST(Upgrade, delivers_what_comes_together_with_the_switch) {
  ScriptedPeer service({{step::expect_head(), step::send(std::string(kSwitch) + "hello"), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(handshake());
  EXPECT_EQ(client.read_head().status, 101);
  EXPECT_EQ(client.read_exactly(5), "hello");
}

TEST(Upgrade, is_taken_out_where_the_route_does_not_allow_it) {
  EchoService echo;
  Gateway gateway("services: [{name: main, url: \"" + echo.url() +
                  "\"}]\nroutes:\n  - {path: /plain, service: main, websocket: false}\n"
                  "  - {path: /tcp, service: main, upgrade: [tcp]}\n");
  for (const auto& [target, protocol, passes] :
       {std::tuple("/plain", "websocket", false), std::tuple("/tcp", "h2c", false), std::tuple("/tcp", "TCP", true),
        std::tuple("/tcp", "websocket", true)}) {
    const Echo seen(gateway.send(handshake(target, protocol)).body);
    ASSERT_TRUE(seen.parsed) << target << protocol;
    EXPECT_EQ(seen.fields.has("upgrade"), passes) << target << protocol;
  }
}

TEST(Upgrade, is_not_what_a_request_with_a_body_or_another_method_gets) {
  EchoGateway peer;
  const char* fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_FALSE(peer.seen(request("GET", "/", fields, "x")).fields.has("upgrade"));
  EXPECT_FALSE(peer.seen(request("POST", "/", fields)).fields.has("upgrade"));
  EXPECT_FALSE(peer.seen(request("GET", "/", "Upgrade: websocket\r\n")).fields.has("upgrade"));
}

TEST(Upgrade, goes_on_as_http_where_the_service_does_not_change) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  for (int i = 0; i < 2; ++i) {
    client.send(handshake("/?status=200"));
    EXPECT_EQ(client.read_response().status, 200);
  }
  EXPECT_EQ(peer.echo.connections(), 1U);
}

TEST(Upgrade, that_nobody_asked_for_is_a_fault_of_the_service) {
  for (const auto& [asked, answered] :
       {std::pair("", "websocket"), std::pair("websocket", "tcp"), std::pair("websocket", "")}) {
    ScriptedPeer service({{step::expect_head(),
                           step::send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
                                      std::string(answered) + "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n"),
                           step::hang()}});
    Gateway gateway(forward_all(service.url()));
    expect_refusal(gateway.send(*asked == '\0' ? request("GET", "/") : handshake("/", asked)), 502,
                   "upstream_protocol");
  }
}

TEST(Upgrade, each_side_sees_the_others_end) {
  WebSocketEcho peer;
  RawClient client = peer.open();
  client.send("last words");
  client.half_close();
  EXPECT_EQ(client.read_until_end(), "last words");
  EXPECT_EQ(client.end(), End::eof);
  EXPECT_TRUE(peer.peer.wait_ended(0));
  EXPECT_EQ(peer.peer.ended(0), End::eof);

  ScriptedPeer leaves({{step::expect_head(), step::send(std::string(kSwitch) + "bye"), step::close()}});
  Gateway gateway(forward_all(leaves.url()));
  RawClient other = gateway.connect();
  other.send(handshake());
  EXPECT_EQ(other.read_head().status, 101);
  EXPECT_EQ(other.read_until_end(), "bye");
}

TEST(Upgrade, each_side_sees_the_others_reset) {
  WebSocketEcho peer;
  RawClient client = peer.open();
  client.reset();
  EXPECT_TRUE(peer.peer.wait_ended(0));
  ScriptedPeer breaks({{step::expect_head(), step::send(std::string(kSwitch)), step::expect("x"), step::reset()}});
  Gateway gateway(forward_all(breaks.url()));
  RawClient other = gateway.connect();
  other.send(handshake());
  EXPECT_EQ(other.read_head().status, 101);
  other.send("x");
  EXPECT_EQ(other.wait_end(), End::reset);
}

TEST(Upgrade, ends_when_nothing_passes_for_long) {
  WebSocketEcho peer("timeouts: {stream_idle: 300ms, read: 100ms, total: 200ms}");
  RawClient client = peer.open();
  for (int i = 0; i < 4; ++i) {
    (void)wait_readable(client.fd(), Deadline(Millis(120)));
    client.send("x");
    EXPECT_EQ(client.read_exactly(1), "x") << "neither read nor total counts here";
  }
  Stopwatch watch;
  EXPECT_NE(client.wait_end(), End::timeout);
  EXPECT_LT(watch.elapsed(), Millis(1500 * kSlowness));
}

TEST(Upgrade, lives_as_long_as_bytes_pass_in_one_direction) {
  ScriptedPeer service({{step::expect_head(), step::send(std::string(kSwitch)),
                         step::send_slowly(std::string(12, 'x'), 1, Millis(100)), step::hang()}});
  Gateway gateway(forward_all(service.url(), "timeouts: {stream_idle: 400ms}"));
  RawClient client = gateway.connect();
  client.send(handshake());
  EXPECT_EQ(client.read_head().status, 101);
  EXPECT_EQ(client.read_exactly(12), std::string(12, 'x')) << "the client was silent for three times as long";
}

TEST(Upgrade, lives_through_a_reload_that_takes_its_route_away) {
  WebSocketEcho peer;
  RawClient client = peer.open();
  ASSERT_TRUE(peer.gateway.reload("routes: [{path: /other, respond: {status: 200}}]\n"));
  client.send("still here");
  EXPECT_EQ(client.read_exactly(10), "still here");
  client.close();
  EXPECT_NE(peer.gateway.access_log(1).back().find("\"route\":\"all\""), std::string::npos);
}

TEST(Upgrade, a_drain_says_goodbye_at_the_end_of_a_frame) {
  Gate rest;
  const std::string frame = std::string("\x82\x05", 2) + "hello";
  ScriptedPeer service({{step::expect_head(), step::send(std::string(kSwitch) + frame + frame.substr(0, 4)),
                         step::wait(rest), step::send(frame.substr(4)), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(handshake());
  EXPECT_EQ(client.read_head().status, 101);
  EXPECT_EQ(client.read_exactly(frame.size() + 4), frame + frame.substr(0, 4));
  gateway.process().signal(SIGTERM);
  gateway.process().pause(Millis(200));
  EXPECT_TRUE(client.silent()) << "in the middle of a frame";
  rest.open();
  EXPECT_EQ(client.read_until_end(), frame.substr(4) + std::string("\x88\x02\x03\xe9", 4));
  EXPECT_EQ(client.end(), End::eof);
  EXPECT_TRUE(service.wait_received(0, std::string("\x88\x82\0\0\0\0\x03\xe9", 8)));
  client.close();
  EXPECT_EQ(gateway.stop(), 0);
}

TEST(Upgrade, plugins_act_on_the_handshake) {
  WebSocketEcho peer("", "plugins: [{name: response-transformer, config: {add: {headers: [\"X-Via: us\"]}}}]");
  RawClient client = peer.gateway.connect();
  client.send(handshake());
  EXPECT_EQ(client.read_head().header("x-via"), "us");
  Gateway closed("plugins: [{name: ip-restriction, config: {allow: [10.0.0.0/8]}}]\n" + forward_all(peer.peer.url()));
  expect_refusal(closed.send(handshake()), 403, "forbidden");
}

H2Fields connect_fields(std::string path, std::string protocol = "websocket") {
  return {{":method", "CONNECT"}, {":protocol", std::move(protocol)}, {":scheme", "http"},
          {":authority", "test"}, {":path", std::move(path)},         {"sec-websocket-version", "13"}};
}

TEST(Upgrade, comes_through_http_2_as_connect) {
  WebSocketEcho peer;
  RawClient raw = peer.gateway.connect();
  H2Client client(raw);
  const std::int32_t id = client.request_of(connect_fields("/chat"), true);
  const H2Answer& head = client.wait_head(id);
  ASSERT_EQ(head.response.status, 200) << head.response.describe();
  EXPECT_FALSE(head.response.fields.has("sec-websocket-accept"));
  const std::string large = pattern(500'000);
  client.send(id, large, false);
  EXPECT_TRUE(client.wait_body(id, large.size()).response.body == large);
  const RequestHead seen = first_head(peer.peer);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.fields.get("upgrade"), "websocket");
  EXPECT_EQ(seen.fields.get("sec-websocket-key").size(), 24U);
  client.send(id, "", true);
  const H2Answer& end = client.wait(id);
  EXPECT_TRUE(end.response.complete && !end.reset);
  EXPECT_EQ(end.response.body.size(), large.size());
}

TEST(Upgrade, through_http_2_is_refused_where_it_does_not_pass) {
  EchoService echo;
  Gateway gateway("services: [{name: main, url: \"" + echo.url() +
                  "\"}]\nroutes:\n  - {path: /plain, service: main, websocket: false}\n"
                  "  - {path: /ws, service: main}\n  - {path: /fixed, respond: {status: 200, body: hello}}\n");
  RawClient raw = gateway.connect();
  H2Client client(raw);
  const auto status = [&](const H2Fields& fields) {
    return client.wait(client.request_of(fields, true)).response.status;
  };
  EXPECT_EQ(status(connect_fields("/plain")), 405);
  EXPECT_EQ(status(connect_fields("/ws", "tcp")), 405);
  EXPECT_EQ(status(connect_fields("/fixed")), 405) << "a 2xx would say that the protocol has changed";
  EXPECT_EQ(status(connect_fields("/ws")), 502) << "the service answered 200 and changed nothing";
  EXPECT_EQ(status(connect_fields("/nowhere")), 404);
}

/// The same behind a service that speaks HTTP/2: a gateway in front of it.
struct WebSocketEchoBehindHttp2 {
  explicit WebSocketEchoBehindHttp2(std::string_view scheme = "h2c")
      : gateway(forward_all(std::string(scheme) + "://127.0.0.1:" + std::to_string(inner.gateway.port()))) {}
  WebSocketEcho inner;
  Gateway gateway;
};

TEST(Upgrade, goes_to_a_service_that_speaks_http_2) {
  WebSocketEchoBehindHttp2 peer;
  RawClient client = peer.gateway.connect();
  client.send(handshake("/chat?x=1") + "early");
  const Response response = client.read_head();
  EXPECT_EQ(response.status, 101) << response.describe();
  EXPECT_TRUE(has_token(response.fields, "connection", "upgrade"));
  EXPECT_EQ(response.header("upgrade"), "websocket");
  EXPECT_EQ(response.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") << "RFC 6455 section 1.3";
  EXPECT_EQ(client.read_exactly(5), "early");
  EXPECT_EQ(first_head(peer.inner.peer).target, "/chat?x=1");
  const std::string large = pattern(2'000'000);
  std::thread sender([&] { client.send(large); });
  EXPECT_TRUE(client.read_exactly(large.size()) == large);
  sender.join();
  client.half_close();
  EXPECT_EQ(client.wait_end(), End::eof);
  const std::string line = peer.gateway.access_log(1).back();
  EXPECT_NE(line.find("\"status\":101"), std::string::npos) << line;
}

TEST(Upgrade, goes_from_http_2_to_http_2) {
  WebSocketEchoBehindHttp2 peer;
  RawClient raw = peer.gateway.connect();
  H2Client client(raw);
  const std::int32_t id = client.request_of(connect_fields("/chat"), true);
  ASSERT_EQ(client.wait_head(id).response.status, 200);
  const std::string large = pattern(500'000);
  client.send(id, large, false);
  EXPECT_TRUE(client.wait_body(id, large.size()).response.body == large);
  client.send(id, "", true);
  EXPECT_TRUE(client.wait(id).response.complete);
}

TEST(Upgrade, from_http_2_to_http_2_gets_a_goodbye) {
  WebSocketEchoBehindHttp2 peer;
  RawClient raw = peer.gateway.connect();
  H2Client client(raw);
  const std::int32_t id = client.request_of(connect_fields("/chat"), true);
  ASSERT_EQ(client.wait_head(id).response.status, 200);
  peer.gateway.process().signal(SIGTERM);
  const H2Answer& answer = client.wait(id);
  EXPECT_EQ(answer.response.body, std::string("\x88\x02\x03\xe9", 4));
  EXPECT_TRUE(answer.response.complete);
  EXPECT_EQ(peer.gateway.stop(), 0);
}

TEST(Upgrade, is_a_bad_gateway_where_a_service_takes_none_through_http_2) {
  const std::string settings = h2_frame(H2Frame::settings, 0, 0) + h2_frame(H2Frame::settings, kAck, 0);
  ScriptedPeer service({{step::send(settings), step::hang()}});
  Gateway gateway(forward_all("h2c://" + service.address()));
  expect_refusal(gateway.send(handshake()), 502, "upstream_protocol");
  EchoService echo;
  Gateway inner(forward_all(echo.url()));
  Gateway outer(forward_all("h2c://127.0.0.1:" + std::to_string(inner.port())));
  EXPECT_EQ(outer.send(handshake()).status, 502) << "a service behind it that changes nothing";
}

TEST(Upgrade, through_http_2_gets_a_goodbye_too) {
  WebSocketEcho peer;
  RawClient raw = peer.gateway.connect();
  H2Client client(raw);
  const std::int32_t id = client.request_of(connect_fields("/"), true);
  ASSERT_EQ(client.wait_head(id).response.status, 200);
  peer.gateway.process().signal(SIGTERM);
  const H2Answer& answer = client.wait(id);
  EXPECT_EQ(answer.response.body, std::string("\x88\x02\x03\xe9", 4));
  EXPECT_TRUE(answer.response.complete);
  EXPECT_EQ(peer.gateway.stop(), 0);
}

}  // namespace
}  // namespace gatehouse::test
