#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

TEST(Http1, keeps_a_connection_open_and_uses_one_to_the_service) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  for (int i = 0; i < 20; ++i) {
    client.send(request("GET", "/" + std::to_string(i)));
    Response response = client.read_response();
    ASSERT_EQ(response.status, 200) << response.describe();
    EXPECT_EQ(Echo(response.body).target, "/" + std::to_string(i));
  }
  EXPECT_EQ(peer.echo.connections(), 1U);
}

TEST(Http1, answers_pipelined_requests_in_order) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  std::string all;
  for (int i = 0; i < 10; ++i) {
    std::string target = "/" + std::to_string(i) + (i == 2 ? "?delay=50" : "");
    all += i == 5 ? request("POST", target, "", "GET /not-a-request HTTP/1.1\r\n\r\n") : request("GET", target);
  }
  client.send(all);
  for (int i = 0; i < 10; ++i) {
    Response response = client.read_response();
    ASSERT_EQ(response.status, 200) << response.describe();
    EXPECT_TRUE(Echo(response.body).target.starts_with("/" + std::to_string(i))) << response.body;
  }
  EXPECT_EQ(peer.echo.requests(), 10U);
}

TEST(Http1, answers_a_request_that_comes_byte_by_byte) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  for (char c : request("POST", "/slow", "X-A: b\r\n", "body")) client.send(std::string_view(&c, 1));
  Echo echo(client.read_response().body);
  EXPECT_EQ(echo.fields.get("x-a"), "b");
  EXPECT_EQ(echo.body, "body");
}

TEST(Http1, passes_chunks_and_trailers_both_ways) {
  EchoGateway peer;
  std::string chunks = "4;name=value\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Check: 1\r\n\r\n";
  Echo echo = peer.seen(request("POST", "/", "Transfer-Encoding: chunked\r\nTrailer: X-Check\r\n") + chunks);
  EXPECT_EQ(echo.body, "Wikipedia");
  EXPECT_TRUE(has_token(echo.fields, "transfer-encoding", "chunked"));
  EXPECT_FALSE(echo.fields.has("content-length"));
  EXPECT_EQ(echo.trailers.get("x-check"), "1");

  Response response = peer.gateway.send(request("GET", "/?size=300000&chunked=1&trailer=1", "TE: trailers\r\n"));
  EXPECT_TRUE(response.complete) << response.problem;
  EXPECT_EQ(response.body, pattern(300000));
  EXPECT_EQ(response.trailers.get("x-sum"), hex(checksum(response.body)));
}

TEST(Http1, trailers_bring_in_nothing_that_is_taken_out_of_heads) {
  EchoGateway peer;
  Echo echo =
      peer.seen(request("POST", "/", "Transfer-Encoding: chunked\r\n") +
                "1\r\nx\r\n0\r\nX-Consumer-Username: admin\r\nX-Credential-Identifier: a\r\nX-Anonymous-Consumer: "
                "no\r\nX-Forwarded-Prefix: /a\r\nX_Evil: 1\r\nX-Good: 1\r\n\r\n");
  EXPECT_EQ(echo.trailers.get("x-good"), "1");
  for (const char* name :
       {"x-consumer-username", "x-credential-identifier", "x-anonymous-consumer", "x-forwarded-prefix", "x_evil"}) {
    EXPECT_FALSE(echo.trailers.has(name)) << name;
  }
}

TEST(Http1, a_final_answer_to_an_expectation_costs_the_connection) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(417, "no"); });
  Gateway gateway(forward_all(service.url()));
  for (int i = 0; i < 2; ++i) {
    RawClient client = gateway.connect();
    client.send(request("POST", "/", "Expect: 100-continue\r\n", "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(client.read_response().status, 417);
  }
  EXPECT_EQ(service.connections(), 2U) << "what the service does with the body nobody knows";
}

TEST(Http1, an_http_1_0_client_has_no_expectations) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send("POST / HTTP/1.0\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
  const Response response = client.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(Echo(response.body).fields.has("expect"));
}

TEST(Http1, drops_framing_and_routing_fields_from_trailers) {
  EchoGateway peer;
  std::string chunks =
      "1\r\na\r\n0\r\nContent-Length: 5\r\nHost: evil\r\nX-Forwarded-For: 9.9.9.9\r\nX-Fine: 1\r\n\r\n";
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + chunks);
  Response response = client.read_response();
  if (response.status == 400) return;  // refusing such trailers is as good
  ASSERT_EQ(response.status, 200) << response.describe();
  Echo echo(response.body);
  for (const char* key : {"content-length", "host", "x-forwarded-for"}) EXPECT_FALSE(echo.trailers.has(key)) << key;
}

TEST(Http1, passes_100_continue_through_and_only_then_the_body) {
  ScriptedPeer service({{step::expect_head(), step::send("HTTP/1.1 100 Continue\r\n\r\n"), step::expect("hello"),
                         step::respond(200, "got it")}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("POST", "/", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.read_head().status, 100);
  EXPECT_NE(service.received().find("xpect: 100-continue"), std::string::npos) << service.received();
  client.send("hello");
  EXPECT_EQ(client.read_response().body, "got it");
}

TEST(Http1, passes_a_final_answer_to_expect_without_reading_the_body) {
  ScriptedPeer service({{step::expect_head(), step::respond(417, "no"), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("POST", "/", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  Response response = client.read_response();
  EXPECT_EQ(response.status, 417) << response.describe();
  EXPECT_TRUE(response.interim.empty());
}

TEST(Http1, passes_early_hints) {
  EchoGateway peer;
  Response response = peer.gateway.get("/?interim=103");
  ASSERT_EQ(response.interim.size(), 1U) << response.describe();
  EXPECT_EQ(response.interim[0].status, 103);
  EXPECT_EQ(response.interim[0].header("link"), "</style.css>; rel=preload");
  EXPECT_EQ(response.status, 200);
}

TEST(Http1, sends_no_interim_answer_to_an_http10_client) {
  EchoGateway peer;
  Response response = peer.gateway.send("GET /?interim=103 HTTP/1.0\r\nHost: test\r\n\r\n");
  EXPECT_TRUE(response.interim.empty()) << response.describe();
  EXPECT_EQ(response.status, 200);
}

TEST(Http1, answers_head_without_a_body_and_goes_on) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("HEAD", "/?size=1000") + request("HEAD", "/?size=1000&chunked=1") + request("GET", "/after"));
  Response head = client.read_response(true);
  EXPECT_EQ(head.status, 200) << head.describe();
  EXPECT_EQ(head.header("content-length"), "1000");
  EXPECT_EQ(client.read_response(true).status, 200);
  EXPECT_EQ(Echo(client.read_response().body).target, "/after");
}

TEST(Http1, passes_answers_that_have_no_body) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/?status=204") + request("GET", "/?status=304") + request("GET", "/after"));
  EXPECT_EQ(client.read_response().status, 204);
  EXPECT_EQ(client.read_response().status, 304);
  EXPECT_EQ(Echo(client.read_response().body).target, "/after");
}

TEST(Http1, serves_http10_clients_without_and_with_keep_alive) {
  EchoGateway peer;
  RawClient plain = peer.gateway.connect();
  plain.send("GET /?size=5000&chunked=1 HTTP/1.0\r\nHost: test\r\n\r\n");
  Response response = plain.read_response();
  EXPECT_EQ(response.status, 200) << response.describe();
  EXPECT_FALSE(response.fields.has("transfer-encoding")) << "HTTP/1.0 knows no chunks";
  EXPECT_EQ(response.body, pattern(5000));
  EXPECT_EQ(plain.wait_end(), End::eof);

  RawClient keeps = peer.gateway.connect();
  for (int i = 0; i < 2; ++i) {
    keeps.send("GET / HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n");
    Response next = keeps.read_response();
    ASSERT_EQ(next.status, 200) << next.describe();
    EXPECT_TRUE(has_token(next.fields, "connection", "keep-alive")) << next.describe();
  }
}

TEST(Http1, takes_answers_of_http10_services) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/old?version=1.0") + request("GET", "/after"));
  Response response = client.read_response();
  EXPECT_EQ(response.version, "HTTP/1.1");
  EXPECT_EQ(Echo(response.body).target, "/old?version=1.0") << response.describe();
  EXPECT_EQ(client.read_response().status, 200) << "the client's connection stays";
}

TEST(Http1, closes_after_connection_close) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/", "Connection: close\r\n") + request("GET", "/never"));
  Response response = client.read_response();
  EXPECT_TRUE(has_token(response.fields, "connection", "close"));
  EXPECT_EQ(client.wait_end(), End::eof);
  EXPECT_EQ(peer.echo.requests(), 1U);
}

TEST(Http1, removes_hop_by_hop_fields_and_those_that_connection_names) {
  EchoGateway peer;
  Echo echo = peer.seen(request("GET", "/",
                                "Connection: X-Private, keep-alive, Host\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
                                "Proxy-Connection: keep-alive\r\nTE: gzip\r\nX-Public: 2\r\n"));
  for (const char* key : {"x-private", "keep-alive", "proxy-connection"}) EXPECT_FALSE(echo.fields.has(key)) << key;
  EXPECT_FALSE(has_token(echo.fields, "connection", "x-private"));
  EXPECT_EQ(echo.fields.get("te"), "");
  EXPECT_EQ(echo.fields.get("x-public"), "2");
  EXPECT_EQ(echo.fields.count("host"), 1U) << "Connection cannot remove Host";

  ScriptedPeer service(
      {{step::expect_request(), step::respond(200, "x", "Connection: X-Secret\r\nX-Secret: 1\r\nX-Open: 2\r\n")}});
  Gateway gateway(forward_all(service.url()));
  Response response = gateway.get("/");
  EXPECT_FALSE(response.fields.has("x-secret"));
  EXPECT_EQ(response.header("x-open"), "2");
}

TEST(Http1, turns_absolute_form_into_origin_form) {
  EchoGateway peer;
  Echo echo = peer.seen("GET http://inside.example:81/a/b?c=d HTTP/1.1\r\nHost: other.example\r\n\r\n");
  EXPECT_EQ(echo.target, "/a/b?c=d");
}

TEST(Http1, routes_absolute_form_by_its_own_host) {
  Gateway gateway("routes:\n  - {hosts: [inside.example], path: /x, respond: {status: 200, body: inside}}\n");
  EXPECT_EQ(gateway.send("GET http://inside.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n").body, "inside");
}

TEST(Http1, answers_options_star_and_refuses_trace_and_connect) {
  EchoGateway peer;
  Response star = peer.gateway.send("OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(star.status, 204) << star.describe();
  EXPECT_EQ(peer.gateway.send(request("TRACE", "/")).status, 405);
  EXPECT_EQ(peer.gateway.send("CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n").status, 405);
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(Http1, says_when_an_answer_without_a_date_came) {
  ScriptedPeer dateless({{step::expect_request(), step::send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}});
  EXPECT_EQ(Gateway(forward_all(dateless.url())).get("/").header("date").size(), 29U);
  ScriptedPeer dated({{step::expect_request(), step::send("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                                          "Content-Length: 0\r\n\r\n")}});
  EXPECT_EQ(Gateway(forward_all(dated.url())).get("/").header("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(Http1, counts_the_hops_of_options) {
  EchoGateway peer;
  EXPECT_EQ(peer.seen(request("OPTIONS", "/", "Max-Forwards: 10\r\n")).fields.get("max-forwards"), "9");
  EXPECT_EQ(peer.seen(request("OPTIONS", "/", "Max-Forwards: many\r\n")).fields.get("max-forwards"), "many");
  EXPECT_EQ(peer.seen(request("GET", "/", "Max-Forwards: 0\r\n")).fields.get("max-forwards"), "0");
  EXPECT_EQ(peer.gateway.send(request("OPTIONS", "/", "Max-Forwards: 0\r\n")).status, 204);
  EXPECT_EQ(peer.echo.requests(), 3U);
}

TEST(Http1, passes_unknown_methods) {
  EchoGateway peer;
  EXPECT_EQ(peer.seen(request("PURGE", "/x")).method, "PURGE");
}

}  // namespace
}  // namespace gatehouse::test
