#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

constexpr std::string_view kTrustAll = "trusted_proxies: [127.0.0.0/8]\n";

TEST(Forwarding, tells_the_service_who_is_calling) {
  EchoGateway peer;
  Fields seen = peer.seen(request("GET", "/x", "", "", "shop.example:8080")).fields;
  EXPECT_EQ(seen.get("x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(seen.get("x-forwarded-proto"), "http");
  EXPECT_EQ(seen.get("x-forwarded-host"), "shop.example:8080");
  EXPECT_EQ(seen.get("x-forwarded-port"), std::to_string(peer.gateway.port()));
  EXPECT_EQ(seen.get("x-real-ip"), "127.0.0.1");
}

TEST(Forwarding, replaces_what_an_untrusted_client_says_of_itself) {
  EchoGateway peer;
  Fields seen = peer.seen(request("GET", "/",
                                  "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
                                  "X-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"
                                  "X-Forwarded-Prefix: /evil\r\n"))
                    .fields;
  EXPECT_EQ(seen.all("x-forwarded-for"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(seen.all("x-forwarded-proto"), std::vector<std::string>{"http"});
  EXPECT_EQ(seen.all("x-forwarded-host"), std::vector<std::string>{"test"});
  EXPECT_EQ(seen.all("x-real-ip"), std::vector<std::string>{"127.0.0.1"});
  for (const auto& [key, value] : seen.items()) {
    EXPECT_EQ(value.find("6.6.6.6"), std::string::npos) << key << ": " << value;
    EXPECT_EQ(value.find("evil"), std::string::npos) << key << ": " << value;
  }
}

TEST(Forwarding, appends_to_what_a_trusted_proxy_says) {
  EchoGateway peer(kTrustAll);
  Fields seen = peer.seen(request("GET", "/",
                                  "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
                                  "X-Forwarded-Host: shop.example\r\n"))
                    .fields;
  EXPECT_EQ(seen.get("x-forwarded-for"), "6.6.6.6, 203.0.113.9, 127.0.0.1");
  EXPECT_EQ(seen.get("x-forwarded-proto"), "https");
  EXPECT_EQ(seen.get("x-forwarded-host"), "shop.example");
  EXPECT_EQ(seen.get("x-real-ip"), "203.0.113.9") << "the rightmost address that is not trusted";
}

TEST(Forwarding, believes_no_address_left_of_the_rightmost_untrusted_one) {
  EchoService echo;
  Gateway gateway(
      std::string(kTrustAll) + "services: [{name: main, url: \"" + echo.url() +
      "\"}]\nroutes:\n  - {name: inner, path: \"/*\", clients: [10.0.0.0/8], respond: {status: 200, body: inner}}\n"
      "  - {name: outer, path: \"/*\", respond: {status: 200, body: outer}}\n");
  EXPECT_EQ(gateway.get("/", "X-Forwarded-For: 10.1.1.1, 203.0.113.9\r\n").body, "outer");
  EXPECT_EQ(gateway.get("/", "X-Forwarded-For: 203.0.113.9, 10.1.1.1\r\n").body, "inner");
}

TEST(Forwarding, writes_the_access_log_with_the_client_behind_the_proxy) {
  EchoGateway peer(kTrustAll);
  peer.gateway.get("/logged", "X-Forwarded-For: 203.0.113.9\r\n");
  std::vector<std::string> lines = peer.gateway.access_log(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("\"client_ip\":\"203.0.113.9\""), std::string::npos) << lines[0];
}

TEST(Forwarding, marks_the_request_with_via) {
  EchoGateway peer;
  std::vector<std::string> via = peer.seen(request("GET", "/", "Via: 1.0 before\r\n")).fields.all("via");
  std::string all;
  for (const std::string& value : via) all += (all.empty() ? "" : ", ") + value;
  EXPECT_TRUE(all.starts_with("1.0 before, 1.1 ")) << all;
}

TEST(Forwarding, gives_each_request_an_id_that_the_answer_repeats) {
  EchoGateway peer;
  Response first = peer.gateway.get("/"), second = peer.gateway.get("/");
  std::string id = first.header("x-request-id");
  EXPECT_GE(id.size(), 16U) << first.describe();
  EXPECT_EQ(Echo(first.body).fields.get("x-request-id"), id);
  EXPECT_NE(second.header("x-request-id"), id);
  Response refused = peer.gateway.send("GET /%zz HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_FALSE(refused.header("x-request-id").empty()) << refused.describe();
}

TEST(Forwarding, starts_a_trace_and_continues_one) {
  EchoGateway peer;
  std::string fresh = peer.seen(request("GET", "/")).fields.get("traceparent");
  ASSERT_EQ(fresh.size(), 55U) << fresh;
  EXPECT_TRUE(fresh.starts_with("00-"));
  std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  std::string given = "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n";
  Fields seen = peer.seen(request("GET", "/", given)).fields;
  EXPECT_EQ(seen.get("traceparent").substr(3, 32), trace);
  EXPECT_EQ(seen.get("tracestate"), "a=b");
  std::string broken =
      peer.seen(request("GET", "/", "traceparent: 00-zz-00f067aa0ba902b7-01\r\n")).fields.get("traceparent");
  EXPECT_EQ(broken.size(), 55U) << broken;
}

TEST(Forwarding, drops_names_with_underscores_unless_told_otherwise) {
  std::string fields = "X_Consumer_ID: evil\r\nX-Fine: 1\r\n";
  EchoGateway strict;
  Fields seen = strict.seen(request("GET", "/", fields)).fields;
  EXPECT_FALSE(seen.has("x_consumer_id"));
  EXPECT_TRUE(seen.has("x-fine"));
  EchoGateway lenient("underscores_in_headers: true\n");
  EXPECT_TRUE(lenient.seen(request("GET", "/", "X_Other: 1\r\n")).fields.has("x_other"));
}

TEST(Forwarding, removes_identity_fields_that_only_the_gateway_may_set) {
  EchoGateway peer;
  Fields seen = peer.seen(request("GET", "/",
                                  "X-Consumer-Username: root\r\nX-Consumer-ID: 1\r\nX-Credential-Identifier: 2\r\n"
                                  "X-Anonymous-Consumer: true\r\n"))
                    .fields;
  for (const char* key : {"x-consumer-username", "x-consumer-id", "x-credential-identifier", "x-anonymous-consumer"}) {
    EXPECT_FALSE(seen.has(key)) << key;
  }
}

TEST(Forwarding, sends_the_url_s_authority_or_the_client_s_host) {
  EchoGateway url;
  EXPECT_EQ(url.seen(request("GET", "/", "", "", "shop.example")).fields.get("host"), url.echo.address());
  EchoGateway kept("", "", "preserve_host: true");
  EXPECT_EQ(kept.seen(request("GET", "/", "", "", "shop.example")).fields.get("host"), "shop.example");
  EchoService echo;
  Gateway targets("services: [{name: main, targets: [{address: \"" + echo.address() +
                  "\"}]}]\nroutes: [{path: \"/*\", service: main}]\n");
  Response response = targets.send(request("GET", "/", "", "", "shop.example"));
  EXPECT_EQ(Echo(response.body).fields.get("host"), "shop.example");
}

TEST(Forwarding, forwards_the_target_as_sent_where_only_escapes_differ) {
  EchoGateway peer;
  EXPECT_EQ(peer.seen(request("GET", "/a%7eb/%41?q=%7e&&x")).target, "/a%7eb/%41?q=%7e&&x");
  EXPECT_EQ(peer.seen(request("GET", "/a%2Fb%5Cc")).target, "/a%2Fb%5Cc");
  EXPECT_EQ(peer.seen(request("GET", "/a//b/./c/../d?x=../y")).target, "/a/b/d?x=../y");
}

constexpr std::string_view kProxyListener =
    "listeners: [{name: public, address: \"@listen@\", proxy_protocol: true}]\n";

std::string proxy_v2(const std::string& rest) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += std::string("\x21\x11\x00\x0c", 4);                  // PROXY, TCP over IPv4, 12 bytes
  bytes += std::string("\xcb\x00\x71\x07\x7f\x00\x00\x01", 8);  // 203.0.113.7 → 127.0.0.1
  bytes += std::string("\x30\x39\x00\x50", 4);                  // 12345 → 80
  return bytes + rest;
}

TEST(ProxyProtocol, gives_the_client_address_in_both_versions) {
  EchoGateway peer(std::string(kTrustAll) + std::string(kProxyListener));
  std::string get = request("GET", "/");
  EXPECT_EQ(peer.seen("PROXY TCP4 203.0.113.7 127.0.0.1 12345 80\r\n" + get).fields.get("x-real-ip"), "203.0.113.7");
  EXPECT_EQ(peer.seen(proxy_v2(get)).fields.get("x-real-ip"), "203.0.113.7");
  EXPECT_EQ(peer.seen("PROXY TCP6 2001:db8::7 ::1 12345 80\r\n" + get).fields.get("x-real-ip"), "2001:db8::7");
}

TEST(ProxyProtocol, is_read_when_it_comes_in_pieces) {
  EchoGateway peer(std::string(kTrustAll) + std::string(kProxyListener));
  RawClient client = peer.gateway.connect();
  for (char c : proxy_v2("GET /")) client.send(std::string_view(&c, 1));
  client.send(" HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(Echo(client.read_response().body).fields.get("x-real-ip"), "203.0.113.7");
}

TEST(ProxyProtocol, closes_on_peers_that_are_not_trusted) {
  EchoGateway peer(std::string("trusted_proxies: [10.0.0.0/8]\n") + std::string(kProxyListener));
  RawClient client = peer.gateway.connect();
  client.send("PROXY TCP4 203.0.113.7 127.0.0.1 12345 80\r\n" + request("GET", "/"));
  End end = client.wait_end();
  EXPECT_TRUE(end == End::eof || end == End::reset);
  EXPECT_EQ(client.buffered().find(" 200 "), std::string::npos);
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(ProxyProtocol, closes_on_a_broken_header) {
  EchoGateway peer(std::string(kTrustAll) + std::string(kProxyListener));
  for (const char* header :
       {"PROXY TCP4 300.0.113.7 127.0.0.1 12345 80\r\n", "PROXY TCP4 203.0.113.7\r\n", "PROXX\r\n"}) {
    RawClient client = peer.gateway.connect();
    client.send(header + request("GET", "/"));
    EXPECT_NE(client.wait_end(), End::timeout) << header;
  }
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(ProxyProtocol, is_a_bad_request_on_a_listener_that_does_not_expect_it) {
  EchoGateway peer(kTrustAll);
  Response response = peer.gateway.send("PROXY TCP4 203.0.113.7 127.0.0.1 12345 80\r\n" + request("GET", "/"));
  EXPECT_NE(response.status, 200);
  EXPECT_EQ(peer.echo.requests(), 0U);
}

}  // namespace
}  // namespace gatehouse::test
