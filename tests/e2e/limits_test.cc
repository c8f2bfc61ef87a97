#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

TEST(Limits, of_a_listener_replace_the_gateways_for_bodies_too) {
  EchoGateway peer(
      "limits: {max_body: 1000}\nlisteners: [{name: small, address: \"@listen@\", limits: {max_body: 10, "
      "body_timeout: 100ms}}]\nadmin: {address: \"@admin@\"}\n");
  EXPECT_EQ(peer.gateway.send(request("POST", "/", "", "0123456789")).status, 200);
  expect_refusal(peer.gateway.send(request("POST", "/", "", "0123456789a")), 413, "body_too_large");
  RawClient client = peer.gateway.connect();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n0");
  EXPECT_EQ(client.read_response().status, 408);
}

TEST(Limits, refuse_a_declared_body_over_max_body_before_the_service_sees_it) {
  EchoGateway peer("", "", "limits: {max_body: 1KiB}");
  EXPECT_EQ(peer.gateway.send(request("POST", "/", "", pattern(1024))).status, 200);
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/", "Content-Length: 1025\r\n"));
  expect_refusal(client.read_response(), 413, "body_too_large");
  EXPECT_EQ(peer.echo.requests(), 1U);
}

TEST(Limits, refuse_a_chunked_body_when_it_passes_max_body) {
  EchoGateway peer("", "", "limits: {max_body: 1KiB}");
  std::string fine = chunk(pattern(1000)) + chunk(pattern(24)) + "0\r\n\r\n";
  EXPECT_EQ(peer.gateway.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + fine).status, 200);
  std::string much = chunk(pattern(1000)) + chunk(pattern(25)) + "0\r\n\r\n";
  expect_refusal(peer.gateway.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + much), 413,
                 "body_too_large");
}

TEST(Limits, refuse_a_long_request_line) {
  EchoGateway peer("limits: {request_line: 256B}\n");
  EXPECT_EQ(peer.gateway.get("/" + std::string(200, 'a')).status, 200);
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/" + std::string(300, 'a')));
  expect_refusal(client.read_response(), 414, "uri_too_long");
  EXPECT_NE(client.wait_end(), End::timeout);
}

TEST(Limits, refuse_a_request_line_that_never_ends) {
  EchoGateway peer("limits: {request_line: 256B}\n");
  RawClient client = peer.gateway.connect();
  client.send("GET /" + std::string(5000, 'a'));
  expect_refusal(client.read_response(), 414, "uri_too_long");
}

TEST(Limits, refuse_a_head_with_too_many_bytes) {
  EchoGateway peer("limits: {max_header_bytes: 1KiB}\n");
  EXPECT_EQ(peer.gateway.get("/", "X-A: " + std::string(800, 'a') + "\r\n").status, 200);
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/", "X-A: " + std::string(2000, 'a') + "\r\n"));
  expect_refusal(client.read_response(), 431, "head_too_large");
  EXPECT_NE(client.wait_end(), End::timeout);
}

TEST(Limits, refuse_a_head_with_too_many_fields) {
  EchoGateway peer("limits: {max_headers: 10}\n");
  auto fields = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "X-" + std::to_string(i) + ": a\r\n";
    return text;
  };
  EXPECT_EQ(peer.gateway.get("/", fields(9)).status, 200) << "with Host it is ten";
  expect_refusal(peer.gateway.get("/", fields(10)), 431, "head_too_large");
}

TEST(Limits, take_heads_as_large_as_the_defaults_say) {
  EchoGateway peer;
  EXPECT_EQ(peer.gateway.get("/" + std::string(8000, 'a')).status, 200);
  expect_refusal(peer.gateway.get("/" + std::string(8300, 'a')), 414, "uri_too_long");
  EXPECT_EQ(peer.gateway.get("/", "X-A: " + std::string(31 * 1024, 'a') + "\r\n").status, 200);
  expect_refusal(peer.gateway.get("/", "X-A: " + std::string(33 * 1024, 'a') + "\r\n"), 431, "head_too_large");
}

TEST(Limits, give_up_on_a_head_that_does_not_come) {
  EchoGateway peer("limits: {header_timeout: 200ms}\n");
  RawClient client = peer.gateway.connect();
  Stopwatch watch;
  client.send("GET / HTTP/1.1\r\nHost: te");
  expect_refusal(client.read_response(), 408, "client_timeout");
  EXPECT_NE(client.wait_end(), End::timeout);
  EXPECT_GE(watch.elapsed(), Millis(180));
  EXPECT_LT(watch.elapsed(), Millis(1500 * kSlowness));
}

TEST(Limits, count_the_whole_time_of_a_head_that_drips) {
  EchoGateway peer("limits: {header_timeout: 300ms}\n");
  RawClient client = peer.gateway.connect();
  client.send("GET / HTTP/1.1\r\nHost: test\r\n");
  Stopwatch watch;
  while (watch.elapsed() < Millis(3000) && client.silent()) {  // a byte each 50 ms: each one alone would be in time
    client.send("X");
    (void)wait_readable(client.fd(), Deadline(Millis(50)));
  }
  EXPECT_LT(watch.elapsed(), Millis(1500 * kSlowness));
  EXPECT_EQ(client.read_response().status, 408);
}

TEST(Limits, give_up_on_a_body_that_does_not_come) {
  EchoGateway peer("", "", "limits: {body_timeout: 200ms}");
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/", "Content-Length: 100\r\n") + "part");
  expect_refusal(client.read_response(), 408, "client_timeout");
  EXPECT_NE(client.wait_end(), End::timeout);
}

TEST(Limits, close_idle_connections_silently) {
  EchoGateway peer("limits: {idle_timeout: 200ms}\n");
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/"));
  EXPECT_EQ(client.read_response().status, 200);
  Stopwatch watch;
  EXPECT_EQ(client.wait_end(), End::eof);
  EXPECT_TRUE(client.buffered().empty()) << client.buffered();
  EXPECT_LT(watch.elapsed(), Millis(1500 * kSlowness));
}

TEST(Limits, hold_the_number_of_connections) {
  EchoGateway peer("limits: {max_connections: 8}\n");
  std::vector<RawClient> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(peer.gateway.connect());
    held.back().send(request("GET", "/"));
    ASSERT_EQ(held.back().read_response().status, 200) << i;
  }
  RawClient extra = peer.gateway.connect();
  extra.send(request("POST", "/extra", "", std::string(1024 * 1024, 'a')));  // more than fits on the way
  const Response refused = extra.read_response();
  expect_refusal(refused, 503, "overloaded");
  EXPECT_FALSE(refused.header("date").empty());
  std::string logged;
  for (const std::string& line : peer.gateway.access_log(9)) {
    if (line.find("\"reason\":\"overloaded\"") != std::string::npos) logged = line;
  }
  EXPECT_NE(logged.find(refused.header("x-request-id")), std::string::npos) << logged;
  extra.close();
  held.clear();
  Deadline deadline;
  int status = 0;
  while (status != 200 && !deadline.passed()) status = peer.gateway.get("/").status;
  EXPECT_EQ(status, 200) << "room comes back when connections end";
}

TEST(Limits, refuse_answers_whose_head_is_too_large) {
  for (std::string fields : {"X-A: " + std::string(70 * 1024, 'a') + "\r\n", [] {
                               std::string many;
                               for (int i = 0; i < 250; ++i) many += "X-" + std::to_string(i) + ": a\r\n";
                               return many;
                             }()}) {
    ScriptedPeer service({{step::expect_request(), step::respond(200, "ok", fields)}});
    Gateway gateway(forward_all(service.url()));
    expect_refusal(gateway.get("/"), 502, "upstream_protocol");
  }
}

TEST(Limits, can_be_set_for_one_listener) {
  EchoService echo;
  Gateway gateway("listeners:\n  - {name: public, address: \"@listen@\", limits: {request_line: 128B}}\n" +
                  forward_all(echo.url()));
  expect_refusal(gateway.get("/" + std::string(200, 'a')), 414, "uri_too_long");
}

}  // namespace
}  // namespace gatehouse::test
