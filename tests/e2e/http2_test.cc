#include <algorithm>
#include <csignal>

#include "e2e/fixtures.h"
#include "support/certificates.h"
#include "support/h2_client.h"
#include "support/tls_client.h"

namespace gatehouse::test {
namespace {

constexpr Millis kLong{20000 * kSlowness};

/// A gateway in front of an EchoService, and one HTTP/2 connection to it.
struct H2Echo : EchoGateway {
  explicit H2Echo(std::string_view front = "", std::string_view service = "", std::string_view route = "",
                  const H2Client::Options& options = {})
      : EchoGateway(front, service, route), raw(gateway.connect()), client(raw, options) {}
  RawClient raw;
  H2Client client;
};

Echo echo_of(const H2Answer& answer) {
  EXPECT_EQ(answer.response.status, 200) << answer.response.describe();
  return Echo(answer.response.body);
}

TEST(Http2, is_spoken_on_the_port_of_http_1_where_the_client_begins_so) {
  H2Echo peer;
  const Response response = peer.client.get("/");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(peer.gateway.get("/").status, 200);
  EXPECT_EQ(peer.client.get("/again").status, 200);
  const std::vector<std::string> log = peer.gateway.access_log(3);
  EXPECT_TRUE(std::ranges::any_of(
      log, [](const std::string& line) { return line.find("\"protocol\":\"HTTP/2\"") != std::string::npos; }));
}

TEST(Http2, is_recognised_when_the_preface_comes_byte_by_byte) {
  EchoGateway peer;
  RawClient raw = peer.gateway.connect();
  for (const char c : kH2Preface) {
    raw.send(std::string(1, c));
    (void)wait_readable(raw.fd(), Deadline(Millis(2)));
  }
  raw.send(h2_frame(H2Frame::settings, 0, 0));
  EXPECT_TRUE(raw.wait_for(h2_frame(H2Frame::settings, kAck, 0)));
}

TEST(Http2, is_chosen_by_alpn) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"shop.test"});
  EchoService echo;
  Gateway gateway("listeners:\n  - {name: public, address: \"@listen@\", tls: {certificates: [{cert: " +
                  files.file("shop.pem") + ", key: " + files.file("shop.key") + "}]}}\n" + forward_all(echo.url()));
  TlsClient h2(gateway.port(), {.alpn = "h2"});
  ASSERT_EQ(h2.alpn(), "h2") << h2.failure();
  H2Client client(h2.raw());
  const Echo seen = echo_of(client.wait(client.request("POST", "/x", {}, pattern(300'000))));
  EXPECT_EQ(seen.length, 300'000U);
  EXPECT_EQ(seen.fields.get("x-forwarded-proto"), "https");
  EXPECT_EQ(client.get("/?size=1000000").body, pattern(1'000'000));
  TlsClient h1(gateway.port(), {.alpn = "http/1.1"});
  EXPECT_EQ(h1.alpn(), "http/1.1");
  h1->send(request("GET", "/"));
  EXPECT_EQ(h1->read_response().status, 200);
}

TEST(Http2, is_not_spoken_where_a_listener_says_so) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"shop.test"});
  EchoService echo;
  Gateway gateway("listeners:\n  - {name: public, address: \"@listen@\", http2: false, tls: {certificates: [{cert: " +
                  files.file("shop.pem") + ", key: " + files.file("shop.key") + "}]}}\n" + forward_all(echo.url()));
  EXPECT_FALSE(TlsClient(gateway.port(), {.alpn = "h2"}).shaken());
  EXPECT_EQ(TlsClient(gateway.port(), {.alpn = "http/1.1"}).alpn(), "http/1.1");
  Gateway plain("listeners:\n  - {name: public, address: \"@listen@\", http2: false}\n" + forward_all(echo.url()));
  RawClient raw = plain.connect();
  raw.send(kH2Preface);
  EXPECT_NE(raw.read_response().status, 200);
  EXPECT_EQ(plain.get("/").status, 200);
}

TEST(Http2, takes_its_limits_from_the_configuration) {
  H2Echo peer("limits: {http2: {max_concurrent_streams: 7, stream_window: 64KiB, control_frames: 50}}\n");
  EXPECT_EQ(peer.client.get("/").status, 200);
  EXPECT_EQ(peer.client.max_streams(), 7U);
  RawClient raw = peer.gateway.connect();
  raw.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0));
  EXPECT_TRUE(raw.wait_for(std::string("\0\4", 2) + h2_number(64 * 1024)));
  for (int i = 0; i < 40; ++i) peer.client.ping();
  EXPECT_EQ(peer.client.get("/").status, 200);
  for (int i = 0; i < 80; ++i) peer.client.ping();
  EXPECT_NE(peer.client.wait_end(Deadline(kLong)), End::timeout);
  EXPECT_EQ(peer.client.goaway(), 11);
}

TEST(Http2, becomes_http_1_for_the_service) {
  H2Echo peer;
  const Echo seen = echo_of(peer.client.wait(peer.client.request(
      "GET", "/a?b=c", {{"cookie", "a=1"}, {"x-one", "1"}, {"cookie", "b=2"}, {"te", "trailers"}})));
  EXPECT_EQ(seen.version, "HTTP/1.1");
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/a?b=c");
  EXPECT_EQ(seen.fields.all("cookie"), std::vector<std::string>{"a=1; b=2"});
  EXPECT_EQ(seen.fields.get("x-one"), "1");
  EXPECT_EQ(seen.fields.get("via"), "2.0 gatehouse");
  EXPECT_EQ(seen.fields.get("x-forwarded-host"), "test");
  EXPECT_FALSE(seen.fields.has("te"));
  for (const auto& [name, value] : seen.fields.items()) EXPECT_NE(name.front(), ':') << name;
}

TEST(Http2, carries_bodies_of_any_length_both_ways_at_once) {
  H2Echo peer;
  const std::string body = pattern(3'000'000);
  for (const H2Fields& fields : {H2Fields{}, H2Fields{{"content-length", "3000000"}}}) {
    const std::int32_t id = peer.client.request("POST", "/?stream=1", fields, body);
    const H2Answer& answer = peer.client.wait(id, Deadline(kLong));
    EXPECT_EQ(answer.response.body.size(), body.size());
    EXPECT_TRUE(answer.response.body == body);
    EXPECT_TRUE(answer.response.complete);
  }
}

TEST(Http2, carries_many_exchanges_at_once_each_at_its_own_pace) {
  H2Echo peer("", "pool: {max_connections: 200}");
  std::vector<std::int32_t> slow, quick;
  for (int i = 0; i < 50; ++i) slow.push_back(peer.client.request("GET", "/slow?delay=300"));
  for (int i = 0; i < 50; ++i) quick.push_back(peer.client.request("POST", "/q" + std::to_string(i), {}, "body"));
  Stopwatch watch;
  for (std::size_t i = 0; i < quick.size(); ++i) {
    const Echo seen = echo_of(peer.client.wait(quick[i]));
    EXPECT_EQ(seen.target, "/q" + std::to_string(i));
    EXPECT_EQ(seen.body, "body");
  }
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(watch.elapsed(), Millis(300)) << "the quick ones do not wait for the slow ones";
#endif
  for (const std::int32_t id : slow) EXPECT_EQ(peer.client.wait(id).response.status, 200);
}

TEST(Http2, passes_trailers_both_ways) {
  H2Echo peer;
  const std::int32_t id = peer.client.request("POST", "/", {}, "", true);
  peer.client.send(id, "hello", true, {{"x-check", "5"}, {"authorization", "late"}, {"x-consumer-id", "evil"}});
  const Echo seen = echo_of(peer.client.wait(id));
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.trailers.get("x-check"), "5");
  EXPECT_FALSE(seen.trailers.has("authorization"));
  EXPECT_FALSE(seen.trailers.has("x-consumer-id"));
  const Response response = peer.client.get("/?size=300000&chunked=1&trailer=1");
  EXPECT_EQ(response.body, pattern(300'000));
  EXPECT_EQ(response.trailers.get("x-sum"), hex(checksum(response.body)));
}

TEST(Http2, passes_interim_answers) {
  H2Echo peer;
  const Response hints = peer.client.get("/?interim=103");
  ASSERT_EQ(hints.interim.size(), 1U) << hints.describe();
  EXPECT_EQ(hints.interim[0].header("link"), "</style.css>; rel=preload");

  ScriptedPeer service({{step::expect_head(), step::send("HTTP/1.1 100 Continue\r\n\r\n"), step::expect("hello"),
                         step::respond(200, "got it")}});
  Gateway gateway(forward_all(service.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw);
  const std::int32_t id = client.request("POST", "/", {{"expect", "100-continue"}, {"content-length", "5"}}, "", true);
  const Deadline deadline;
  while (!deadline.passed() && service.received().find("xpect") == std::string::npos) client.read_for(Millis(20));
  client.send(id, "hello", true);
  const H2Answer& answer = client.wait(id);
  ASSERT_EQ(answer.response.interim.size(), 1U) << answer.response.describe();
  EXPECT_EQ(answer.response.interim[0].status, 100);
  EXPECT_EQ(answer.response.body, "got it");
}

TEST(Http2, answers_without_a_body_where_there_is_none) {
  H2Echo peer;
  const Response head = peer.client.wait(peer.client.request("HEAD", "/?size=1000")).response;
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "1000");
  EXPECT_TRUE(head.body.empty() && head.complete);
  for (const char* status : {"204", "304"}) {
    const Response response = peer.client.get(std::string("/?status=") + status);
    EXPECT_EQ(std::to_string(response.status), status);
    EXPECT_TRUE(response.body.empty() && response.complete) << response.describe();
  }
}

TEST(Http2, removes_what_belongs_to_a_connection_of_the_service) {
  ScriptedPeer service(
      {{step::expect_request(), step::send("HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Mixed-Case: "
                                           "Yes\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: "
                                           "h2c\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")}});
  Gateway gateway(forward_all(service.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw);
  const Response response = client.get("/");
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.header("x-mixed-case"), "Yes");
  for (const char* name : {"connection", "x-hop", "keep-alive", "proxy-connection", "upgrade", "transfer-encoding"}) {
    EXPECT_FALSE(response.fields.has(name)) << name;
  }
  for (const auto& [name, value] : response.fields.items()) {
    EXPECT_TRUE(std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; })) << name;
  }
}

TEST(Http2, tells_what_the_gateway_refuses) {
  EchoService echo;
  Gateway gateway(
      "limits: {request_line: 256B, max_header_bytes: 2KiB, max_headers: 20}\n"
      "services: [{name: main, url: \"" +
      echo.url() +
      "\"}]\n"
      "routes: [{path: /here, service: main, limits: {max_body: 10B}}]\n");
  RawClient raw = gateway.connect();
  H2Client client(raw);
  expect_refusal(client.get("/elsewhere"), 404, "no_route");
  expect_refusal(client.get("/" + std::string(300, 'a')), 414, "uri_too_long");
  expect_refusal(client.get("/here", {{"x-large", std::string(3000, 'a')}}), 431, "head_too_large");
  H2Fields many;
  for (int i = 0; i < 30; ++i) many.emplace_back("x-" + std::to_string(i), "1");
  expect_refusal(client.get("/here", many), 431, "head_too_large");
  expect_refusal(client.wait(client.request("TRACE", "/here")).response, 405, "method_not_allowed");
  const std::int32_t large = client.request("POST", "/here", {{"content-length", "100000"}}, "", true);
  expect_refusal(client.wait_head(large).response, 413, "body_too_large");
  EXPECT_EQ(client.wait(large).code, 0U) << "a reset without an error: send no more";
  EXPECT_EQ(client.wait(client.request("OPTIONS", "*")).response.status, 204);
  EXPECT_TRUE(client.alive());
  EXPECT_EQ(echo.requests(), 0U);
}

TEST(Http2, refuses_what_two_readers_could_read_differently) {
  H2Echo peer;
  const auto status_of = [&](const H2Fields& fields) {  // nghttp2 resets some of them before we see them
    const H2Answer& answer = peer.client.wait(peer.client.request_of(fields));
    return answer.reset && answer.code == 1 ? 400 : answer.response.status;
  };
  const H2Fields good{{":method", "GET"}, {":scheme", "http"}, {":authority", "test"}, {":path", "/"}};
  const auto with = [&](std::size_t at, std::string value, const H2Fields& more = {}) {
    H2Fields fields = good;
    fields[at].second = std::move(value);
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  EXPECT_EQ(status_of(with(0, "GET", {{"host", "other"}})), 400) << "Host and :authority differ";
  EXPECT_EQ(status_of(with(0, "GET", {{"host", "TEST"}})), 200);
  EXPECT_EQ(status_of(with(2, "user@test")), 400);
  EXPECT_EQ(status_of(with(2, "te st")), 400);
  EXPECT_EQ(status_of(with(3, "/a b")), 400);
  EXPECT_EQ(status_of(with(3, "/%00")), 400);
  EXPECT_EQ(status_of(with(3, "/../x")), 400);
  EXPECT_EQ(status_of(with(1, "ftp")), 400);
  EXPECT_EQ(status_of({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}), 400) << "no authority at all";
  EXPECT_EQ(status_of({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "test"}}), 200);
  EXPECT_EQ(peer.echo.requests(), 2U);
}

TEST(Http2, resets_what_breaks_its_rules_and_forwards_nothing_of_it) {
  EchoGateway peer;
  const H2Fields good{{":method", "POST"}, {":scheme", "http"}, {":authority", "test"}, {":path", "/"}};
  const auto with = [&](const H2Fields& more) {
    H2Fields fields = good;
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  const std::vector<std::pair<const char*, H2Fields>> cases{
      {"connection", with({{"connection", "close"}})},
      {"transfer-encoding", with({{"transfer-encoding", "chunked"}})},
      {"upgrade", with({{"upgrade", "h2c"}})},
      {"te", with({{"te", "gzip"}})},
      {"space in a name", with({{"x bad", "1"}})},
      {"colon in a name", with({{"x:bad", "1"}})},
      {"CR LF in a value", with({{"x-split", "a\r\nX-Evil: 1"}})},
      {"LF in a value", with({{"x-split", "a\nb"}})},
      {"NUL in a value", with({{"x-nul", std::string("a\0b", 3)}})},
      {"CR LF in the path",
       {{":method", "GET"},
        {":scheme", "http"},
        {":authority", "a"},
        {":path", "/ HTTP/1.1\r\nHost: x\r\n\r\nGET /admin"}}},
      {"LF in the method", {{":method", "GET\n"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}},
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}},
      {"empty path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", ""}}},
      {"path twice", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {":path", "/x"}}},
      {"unknown pseudo", with({{":evil", "1"}})},
      {"pseudo behind", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {"x-a", "1"}, {":path", "/"}}},
      {"two lengths", with({{"content-length", "1"}, {"content-length", "2"}})},
      {"signed length", with({{"content-length", "+1"}})},
      {"length without a body", with({{"content-length", "5"}})},
  };
  for (const auto& [name, fields] : cases) {
    RawClient raw = peer.gateway.connect();
    H2Client client(raw);
    const H2Answer& answer = client.wait(client.request_of(fields));
    EXPECT_TRUE(answer.reset || answer.response.status == 400) << name << ": " << answer.response.describe();
    EXPECT_EQ(peer.echo.requests(), 0U) << name;
  }
  RawClient raw = peer.gateway.connect();
  raw.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0) +
           h2_frame(H2Frame::headers, kEndStream | kEndHeaders, 1, h2_fields(with({{"X-Upper", "1"}}))));
  EXPECT_TRUE(raw.wait_for(h2_frame(H2Frame::rst_stream, 0, 1, h2_number(1)))) << "PROTOCOL_ERROR";
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(Http2, resets_a_body_that_is_not_as_long_as_its_head_says) {
  H2Echo peer;
  for (const char* body : {"abc", "abcdefgh"}) {
    const std::int32_t id = peer.client.request("POST", "/", {{"content-length", "5"}}, body);
    EXPECT_TRUE(peer.client.wait(id).reset) << body;
  }
  EXPECT_EQ(peer.client.get("/").status, 200) << "the connection goes on";
}

TEST(Http2, never_lets_a_cut_answer_look_whole) {
  for (const char* framing : {"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"}) {
    ScriptedPeer service(
        {{step::expect_request(), step::send(std::string("HTTP/1.1 200 OK\r\n") + framing + "\r\n5\r\nhello\r\n"),
          step::close()}});
    Gateway gateway(forward_all(service.url()));
    RawClient raw = gateway.connect();
    H2Client client(raw);
    const H2Answer& answer = client.wait(client.request("GET", "/"));
    EXPECT_EQ(answer.response.status, 200);
    EXPECT_FALSE(answer.response.complete);
    EXPECT_TRUE(answer.reset);
    EXPECT_NE(answer.code, 0U);
  }
}

TEST(Http2, cancels_the_exchange_of_a_stream_that_the_client_resets) {
  H2Echo peer;
  const std::int32_t gone = peer.client.request("GET", "/gone?delay=2000");
  const std::int32_t kept = peer.client.request("GET", "/kept?delay=300");
  const Deadline deadline;
  while (!deadline.passed() && peer.echo.requests() < 2) peer.client.read_for(Millis(10));
  peer.client.reset(gone, 8);
  EXPECT_EQ(peer.client.wait(kept).response.status, 200);
  const std::vector<std::string> log = peer.gateway.access_log(2);
  EXPECT_TRUE(std::ranges::any_of(log, [](const std::string& line) {
    return line.find("\"path\":\"/gone") != std::string::npos && line.find("\"status\":499") != std::string::npos &&
           line.find("client_closed") != std::string::npos;
  })) << log.back();
}

TEST(Http2, says_how_many_streams_it_takes_and_refuses_more) {
  H2Echo peer("", "pool: {max_connections: 300}");
  EXPECT_EQ(peer.client.get("/").status, 200);
  EXPECT_EQ(peer.client.max_streams(), 128U);
  // A client that does not wait for the settings: frames by hand.
  RawClient raw = peer.gateway.connect();
  std::string bytes(kH2Preface);
  bytes += h2_frame(H2Frame::settings, 0, 0);
  const std::string block = h2_fields(h2_request("GET", "/?delay=500"));
  for (std::uint32_t i = 0; i < 130; ++i) {
    bytes += h2_frame(H2Frame::headers, kEndStream | kEndHeaders, 2 * i + 1, block);
  }
  raw.send(bytes);
  EXPECT_TRUE(raw.wait_for(h2_frame(H2Frame::rst_stream, 0, 257, h2_number(7)))) << "REFUSED_STREAM";
}

TEST(Http2, holds_little_for_a_client_that_opens_no_windows_and_serves_the_others) {
  H2Echo stalled("", "pool: {max_connections: 300}", "", {.window = 1000, .auto_window = false});
  stalled.gateway.get("/?size=1000000");
  const std::size_t before = stalled.gateway.process().resident_kib();
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(stalled.client.request("GET", "/?size=8000000"));
  for (const std::int32_t id : ids) EXPECT_EQ(stalled.client.wait_head(id).response.status, 200);
  stalled.client.read_for(Millis(200));
  EXPECT_EQ(stalled.gateway.get("/").status, 200);
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(stalled.gateway.process().resident_kib() - before, 32U * 1024U) << "KiB for 100 stalled answers of 8 MB";
#else
  (void)before;
#endif
  stalled.client.open_window(0, 10'000'000);
  stalled.client.open_window(ids[0], 8'000'000);
  EXPECT_EQ(stalled.client.wait(ids[0], Deadline(kLong)).response.body.size(), 8'000'000U);
}

TEST(Http2, holds_little_for_a_service_that_does_not_read) {
  ScriptedPeer service({{step::expect_head(), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw);
  const std::size_t before = gateway.process().resident_kib();
  for (int i = 0; i < 20; ++i) client.request("POST", "/", {}, std::string(4'000'000, 'a'), true);
  client.read_for(Millis(500));
  EXPECT_EQ(gateway.admin("GET", "/health").status, 200);
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(gateway.process().resident_kib() - before, 16U * 1024U) << "KiB of 20 uploads of 4 MB that nobody reads";
#else
  (void)before;
#endif
}

TEST(Http2, gives_up_on_clients_that_do_not_send_or_read) {
  H2Echo peer("", "", "limits: {body_timeout: 200ms}", {.window = 1000, .auto_window = false});
  expect_refusal(peer.client.wait(peer.client.request("POST", "/", {}, "part", true)).response, 408, "client_timeout");
  const H2Answer& unread = peer.client.wait(peer.client.request("GET", "/?size=100000"));
  EXPECT_EQ(unread.response.status, 200);
  EXPECT_TRUE(unread.reset) << "it never opened its window";
  EXPECT_TRUE(peer.client.alive());
}

/// What clients do to keep a gateway busy for nothing: begun with preface and settings, `next` gives more and more
/// bytes until the connection has ended.
template <class Next>
void expect_end_of_flood(const char* name, Next next) {
  EchoGateway peer;
  peer.gateway.get("/");
  const std::size_t before = peer.gateway.process().resident_kib();
  RawClient raw = peer.gateway.connect();
  raw.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0));
  const Deadline deadline(kLong);
  std::uint32_t round = 0;
  while (!deadline.passed() && raw.send(next(round++), Deadline(Millis(1000)))) {
    if (!raw.silent() && raw.wait_end(Deadline(Millis(0))) != End::timeout) break;
  }
  EXPECT_NE(raw.wait_end(), End::timeout) << name;
  EXPECT_EQ(peer.gateway.get("/").status, 200) << name;
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(peer.gateway.process().resident_kib() - before, 16U * 1024U) << name;
#else
  (void)before;
#endif
  EXPECT_GE(peer.gateway.wait_metric("gatehouse_http2_errors_total", 1), 1) << name;
}

TEST(Http2, ends_connections_that_keep_it_busy_for_nothing) {
  const auto repeat = [](const std::string& frame) {
    return [frame](std::uint32_t) {
      std::string many;
      for (int i = 0; i < 200; ++i) many += frame;
      return many;
    };
  };
  expect_end_of_flood("ping", repeat(h2_frame(H2Frame::ping, 0, 0, "12345678")));
  expect_end_of_flood("settings", repeat(h2_frame(H2Frame::settings, 0, 0)));
  expect_end_of_flood("priority", repeat(h2_frame(H2Frame::priority, 0, 1, h2_number(0) + "x")));
  expect_end_of_flood("windows", repeat(h2_frame(H2Frame::window_update, 0, 0, h2_number(1))));
  const std::string open = h2_frame(H2Frame::headers, kEndHeaders, 1, h2_fields(h2_request("POST", "/")));
  expect_end_of_flood("empty data", [open](std::uint32_t round) {
    std::string many = round == 0 ? open : "";
    for (int i = 0; i < 200; ++i) many += h2_frame(H2Frame::data, 0, 1);
    return many;
  });
  const std::string get = h2_fields(h2_request("GET", "/"));
  expect_end_of_flood("rapid reset", [get](std::uint32_t round) {
    std::string many;
    for (std::uint32_t i = 0; i < 100; ++i) {
      const std::uint32_t id = 2 * (round * 100 + i) + 1;
      many += h2_frame(H2Frame::headers, kEndStream | kEndHeaders, id, get);
      many += h2_frame(H2Frame::rst_stream, 0, id, h2_number(8));
    }
    return many;
  });
  expect_end_of_flood("continuation", [get](std::uint32_t round) {
    return round == 0 ? h2_frame(H2Frame::headers, kEndStream, 1, get)
                      : h2_frame(H2Frame::continuation, 0, 1, h2_fields({{"x-more", std::string(1000, 'a')}}));
  });
}

TEST(Http2, keeps_no_more_of_a_head_than_it_takes) {
  // One entry of the dynamic table, named again and again (RFC 7541 section 7.3): small to send, large to unpack.
  EchoGateway peer;
  RawClient raw = peer.gateway.connect();
  std::string block = h2_fields(h2_request("GET", "/"));
  block += '\x40';  // literal with indexing
  block += std::string("\x05x-big\x7f\x91\x1d", 9) + std::string(3856, 'a');
  for (int i = 0; i < 8000; ++i) block += '\xbe';  // index 62: the newest entry
  raw.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0) +
           h2_frame(H2Frame::headers, kEndStream | kEndHeaders, 1, block));
  EXPECT_TRUE(raw.wait_for("header fields exceed the size limit"));
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(Http2, closes_idle_connections_with_a_word) {
  H2Echo peer("limits: {idle_timeout: 200ms}\n");
  EXPECT_EQ(peer.client.get("/").status, 200);
  EXPECT_EQ(peer.client.wait_end(), End::eof);
  EXPECT_EQ(peer.client.goaway(), 0);
}

TEST(Http2, closes_connections_whose_preface_or_head_does_not_come) {
  EchoGateway peer("limits: {header_timeout: 200ms}\n");
  RawClient mute = peer.gateway.connect();
  mute.send(kH2Preface);
  EXPECT_EQ(mute.wait_end(), End::eof);
  RawClient half = peer.gateway.connect();
  half.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0) +
            h2_frame(H2Frame::headers, kEndStream, 1, h2_fields(h2_request("GET", "/"))));
  EXPECT_EQ(half.wait_end(), End::eof) << "END_HEADERS never came";
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(Http2, goes_on_through_a_reload) {
  EchoService first("first"), second("second");
  Gateway gateway(forward_all(first.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw);
  const std::int32_t under_way = client.request("GET", "/?delay=300");
  const Deadline deadline;
  while (!deadline.passed() && first.requests() == 0) client.read_for(Millis(10));
  ASSERT_TRUE(gateway.reload(forward_all(second.url())));
  EXPECT_EQ(Echo(client.get("/").body).service, "second");
  EXPECT_EQ(Echo(client.wait(under_way).response.body).service, "first");
}

TEST(Http2, drains_with_goaway_and_finishes_what_is_under_way) {
  H2Echo peer;
  const std::int32_t under_way = peer.client.request("GET", "/?delay=700");
  RawClient other = peer.gateway.connect();
  H2Client idle(other);
  EXPECT_EQ(idle.get("/").status, 200);
  const Deadline deadline;
  while (!deadline.passed() && peer.echo.requests() < 2) peer.client.read_for(Millis(10));
  peer.gateway.process().signal(SIGTERM);
  const H2Answer& answer = peer.client.wait(under_way);
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_TRUE(answer.response.complete);
  EXPECT_EQ(peer.client.goaway(), 0);
  EXPECT_GE(peer.client.goaway_last_stream(), under_way);
  EXPECT_EQ(peer.client.wait_end(), End::eof);
  EXPECT_EQ(idle.wait_end(), End::eof);
  EXPECT_EQ(peer.gateway.stop(), 0);
}

}  // namespace
}  // namespace gatehouse::test
