// HTTP/2 where something waits: clients and services that read slowly, not at all, or not yet.

#include <algorithm>
#include <csignal>
#include <memory>
#include <thread>

#include "e2e/fixtures.h"
#include "support/h2_client.h"

namespace gatehouse::test {
namespace {

constexpr Millis kLong{20000 * kSlowness};
constexpr std::string_view kOneWorker =
    "workers: 1\nlisteners: [{name: public, address: \"@listen@\"}]\n"
    "admin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\n";

/// A client whose windows are wide open and which reads nothing: what the gateway has to say fills the sockets, and
/// then waits within it.
struct Stuffed {
  explicit Stuffed(Gateway& gateway)
      : raw(gateway.connect({.receive_buffer = 16 * 1024})), client(raw, {.window = 1U << 30, .auto_window = true}) {
    EXPECT_EQ(client.get("/").status, 200);
    big = client.request("GET", "/?size=20000000");
    (void)client.wait_head(big);
    gateway.process().pause(Millis(300));
  }
  RawClient raw;
  H2Client client;
  std::int32_t big = 0;
};

TEST(Http2Pressure, a_head_that_waits_keeps_what_it_says) {
  EchoService echo;
  Gateway gateway(std::string(kOneWorker) + forward_all(echo.url()));
  Stuffed stuffed(gateway);
  const std::string mine(3000, 'm'), other(3000, 'o');
  std::vector<std::int32_t> heads;
  for (int i = 0; i < 4; ++i) {
    heads.push_back(stuffed.client.request("HEAD", "/?header=X-Fill:" + mine));
    heads.push_back(stuffed.client.request("GET", "/?status=204&header=X-Fill:" + mine));
  }
  const Deadline deadline(kLong);
  while (echo.requests() < 10 && !deadline.passed()) gateway.process().pause(Millis(10));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(gateway.get("/?header=X-Fill:" + other).header("x-fill"), other);
  for (const std::int32_t id : heads) {
    const Response& response = stuffed.client.wait(id, Deadline(kLong)).response;
    EXPECT_EQ(response.header("x-fill"), mine) << response.describe();
  }
  EXPECT_EQ(stuffed.client.wait(stuffed.big, Deadline(kLong)).response.body.size(), 20'000'000U);
}

TEST(Http2Pressure, trailers_need_no_window_and_an_end_waits_for_one) {
  EchoService echo;
  Gateway gateway(std::string(kOneWorker) + forward_all(echo.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw, {.window = 65'535, .auto_window = false});
  const std::int32_t trailers = client.request("GET", "/?size=65535&chunked=1&trailer=1");
  H2Answer& with = client.wait(trailers, Deadline(kLong));
  EXPECT_FALSE(with.reset);
  EXPECT_EQ(with.response.body.size(), 65'535U);
  EXPECT_EQ(with.response.trailers.get("x-sum"), hex(checksum(with.response.body)));
  client.open_window(0, 65'535);
  const std::int32_t plain = client.request("GET", "/?size=65535&chunked=1");
  EXPECT_EQ(client.wait_body(plain, 65'535).response.body.size(), 65'535U);
  client.read_for(Millis(100));
  client.open_window(0, 100);
  client.open_window(plain, 100);
  EXPECT_FALSE(client.wait(plain, Deadline(kLong)).reset);
}

TEST(Http2Pressure, trailers_are_whole_or_the_message_is_reset) {
  EchoService echo;
  HttpService service([](ServiceExchange& exchange) {
    const std::size_t size = std::stoul(query_value(exchange.head().target, "t"));
    exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: " +
                   std::string(size, 't') + "\r\nX-Last: yes\r\n\r\n");
  });
  Gateway inner(forward_all(service.url()));
  Gateway gateway(forward_all("h2c://127.0.0.1:" + std::to_string(inner.port())));
  const auto last = [&](int size) {
    RawClient raw = gateway.connect();
    H2Client client(raw);
    const H2Answer& answer = client.wait(client.request("GET", "/?t=" + std::to_string(size)));
    if (answer.response.status != 200) return std::to_string(answer.response.status);
    return answer.reset ? std::string("reset") : std::string(answer.response.trailers.get("x-last"));
  };
  EXPECT_EQ(last(100), "yes");
  EXPECT_EQ(last(7000), "yes");
  EXPECT_EQ(last(9000), "502") << "above what HTTP/1.1 keeps";
}

TEST(Http2Pressure, a_client_that_takes_what_it_can_is_not_given_up) {
  EchoService echo;
  Gateway gateway("limits: {body_timeout: 1s}\n" + forward_all(echo.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw, {.window = 1000, .auto_window = false});
  const std::int32_t id = client.request("GET", "/?size=30000");
  for (int i = 0; i < 29; ++i) {
    client.read_for(Millis(100));
    client.open_window(0, 1000);
    client.open_window(id, 1000);
  }
  const H2Answer& answer = client.wait(id, Deadline(kLong));
  EXPECT_FALSE(answer.reset);
  EXPECT_EQ(answer.response.body, pattern(30'000));
}

TEST(Http2Pressure, a_client_that_opens_windows_in_crumbs_is_no_flood) {
  EchoService echo;
  Gateway gateway("limits: {http2: {control_frames: 100, control_frames_per_second: 10}}\n" + forward_all(echo.url()));
  RawClient raw = gateway.connect();
  H2Client client(raw, {.window = 65'536, .auto_window = false});
  const std::int32_t id = client.request("GET", "/?size=4000000");
  std::size_t opened = 65'536, got = 0;
  const Deadline deadline(kLong);
  while (got < 4'000'000 && client.alive() && !deadline.passed()) {
    got =
        client.wait_body(id, std::min<std::size_t>(opened, got + 16'000), Deadline(Millis(5000))).response.body.size();
    while (opened < got + 65'536) {
      client.open_window(0, 4096);
      client.open_window(id, 4096);
      opened += 4096;
    }
  }
  EXPECT_EQ(client.wait(id, Deadline(kLong)).response.body.size(), 4'000'000U);
  EXPECT_EQ(client.goaway(), -1);
}

TEST(Http2Pressure, a_bad_head_costs_its_stream_and_not_the_connection) {
  EchoService echo;
  Gateway gateway("limits: {header_timeout: 500ms}\n" + forward_all(echo.url()));
  RawClient raw = gateway.connect();
  raw.send(std::string(kH2Preface) + h2_frame(H2Frame::settings, 0, 0));
  raw.send(h2_frame(H2Frame::headers, kEndStream | kEndHeaders, 1, h2_fields(h2_request("GET", "/?delay=1500"))));
  H2Fields bad = h2_request("GET", "/", {{"x-bad", std::string("a\x01z", 3)}});
  raw.send(h2_frame(H2Frame::headers, kEndStream | kEndHeaders, 3, h2_fields(bad)));
  EXPECT_TRUE(raw.wait_for(h2_frame(H2Frame::rst_stream, 0, 3, h2_number(1))));
  EXPECT_TRUE(raw.wait_for("\"service\":\"echo\"", Deadline(kLong))) << "the answer to the first";
}

TEST(Http2Pressure, connections_whose_client_reads_no_more_are_closed) {
  EchoService echo;
  Gateway gateway("limits: {header_timeout: 500ms, body_timeout: 500ms, idle_timeout: 500ms}\n" +
                  forward_all(echo.url()));
  Stuffed stuffed(gateway);
  Stuffed half(gateway);
  half.raw.send(h2_frame(H2Frame::headers, 0, 9, "\x82"));  // a header block that does not end
  const Deadline deadline(kLong);
  while (gateway.metric("gatehouse_connections", {"state=\"active\""}) > 0 && !deadline.passed())
    gateway.process().pause(Millis(50));
  EXPECT_EQ(gateway.metric("gatehouse_connections", {"state=\"active\""}), 0);
}

/// Clients that stop reading when the answer is nearly there: its end lies in the gateway, and nothing else is under
/// way.
struct Tails {
  explicit Tails(Gateway& gateway) {
    for (int i = 0; i < 12; ++i) {
      raws.push_back(std::make_unique<RawClient>(gateway.connect({.receive_buffer = 64 * 1024})));
      clients.push_back(std::make_unique<H2Client>(*raws.back(), H2Client::Options{.window = 1U << 30}));
      sizes.push_back(2'600'000 + i * 60'000);
      ids.push_back(clients.back()->request("GET", "/?size=" + std::to_string(sizes.back())));
    }
  }
  void expect_all_whole() {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const H2Answer& answer = clients[i]->wait(ids[i], Deadline(kLong));
      EXPECT_FALSE(answer.reset) << sizes[i];
      EXPECT_EQ(answer.response.body.size(), sizes[i]);
    }
  }
  std::vector<std::unique_ptr<RawClient>> raws;
  std::vector<std::unique_ptr<H2Client>> clients;
  std::vector<std::int32_t> ids;
  std::vector<std::size_t> sizes;
};

TEST(Http2Pressure, the_end_of_an_answer_waits_for_a_slow_client_longer_than_an_idle_connection) {
  EchoService echo;
  Gateway gateway("limits: {idle_timeout: 500ms}\n" + forward_all(echo.url()));
  Tails tails(gateway);
  gateway.process().pause(Millis(3000));
  tails.expect_all_whole();
}

TEST(Http2Pressure, a_drain_waits_for_the_end_of_an_answer) {
  EchoService echo;
  Gateway gateway(forward_all(echo.url()));
  Tails tails(gateway);
  gateway.process().pause(Millis(500));
  gateway.process().signal(SIGTERM);
  gateway.process().pause(Millis(2500));
  tails.expect_all_whole();
  EXPECT_EQ(gateway.stop(), 0);
}

TEST(Http2Pressure, a_client_that_goes_takes_no_connection_of_the_services_along) {
  EchoService echo;
  Gateway inner(std::string(kOneWorker) + forward_all(echo.url(), "pool: {max_connections: 300}"));
  Gateway gateway(std::string(kOneWorker) +
                  forward_all("h2c://127.0.0.1:" + std::to_string(inner.port()), "pool: {max_connections: 1}"));
  RawClient polls = gateway.connect(), goes = gateway.connect();
  EXPECT_EQ(gateway.get("/").status, 200);
  polls.send(request("GET", "/?delay=3000"));
  goes.send(request("GET", "/?delay=3000"));
  gateway.process().pause(Millis(1300));
  goes.reset();
  gateway.process().pause(Millis(100));
  EXPECT_EQ(gateway.get("/").status, 200);
  EXPECT_EQ(polls.read_response().status, 200);
  EXPECT_EQ(gateway.metric("gatehouse_upstream_connections_opened_total"), 1);
}

TEST(Http2Pressure, a_service_that_takes_one_stream_at_a_time_gets_more_connections) {
  EchoService echo;
  Gateway inner("limits: {http2: {max_concurrent_streams: 1}}\n" + std::string(kOneWorker) + forward_all(echo.url()));
  Gateway gateway(std::string(kOneWorker) + forward_all("h2c://127.0.0.1:" + std::to_string(inner.port())));
  RawClient slow = gateway.connect(), first = gateway.connect(), second = gateway.connect();
  slow.send(request("GET", "/?delay=2500"));
  first.send(request("GET", "/"));
  second.send(request("GET", "/"));
  EXPECT_EQ(first.read_response().status, 200);
  EXPECT_EQ(second.read_response().status, 200);
  EXPECT_EQ(slow.read_response().status, 200);
}

TEST(Http2Pressure, a_connection_that_never_says_anything_holds_up_only_who_is_on_it) {
  const std::string settings = h2_frame(H2Frame::settings, 0, 0) + h2_frame(H2Frame::settings, kAck, 0);
  const std::string good = h2_frame(H2Frame::headers, kEndHeaders | kEndStream, 1, h2_fields({{":status", "200"}}));
  const Step asked = [](PeerConnection& connection) {
    return connection.read_until([](std::string_view bytes) { return bytes.size() > 100; });
  };
  ScriptedPeer service({{step::hang()}, {step::send(settings), asked, step::send(good), step::hang()}});
  Gateway gateway(std::string(kOneWorker) + forward_all("h2c://" + service.address(), "timeouts: {read: 3s}"));
  RawClient mute = gateway.connect(), next = gateway.connect();
  mute.send(request("GET", "/"));
  gateway.process().pause(Millis(50));
  next.send(request("GET", "/"));
  EXPECT_EQ(next.read_response().status, 200);
  EXPECT_EQ(mute.read_response().status, 504);
}

TEST(Http2Pressure, a_stalled_client_does_not_hold_up_who_shares_its_services_connection) {
  EchoService echo;
  Gateway inner(std::string(kOneWorker) + forward_all(echo.url(), "pool: {max_connections: 300}"));
  Gateway gateway(std::string(kOneWorker) +
                  forward_all("h2c://127.0.0.1:" + std::to_string(inner.port()), "pool: {max_connections: 1}"));
  EXPECT_EQ(gateway.get("/").status, 200);
  RawClient raw = gateway.connect();
  H2Client stalled(raw, {.window = 0, .auto_window = false});
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(stalled.request("GET", "/?size=2000000"));
  for (const std::int32_t id : ids) EXPECT_EQ(stalled.wait_head(id).response.status, 200);
  gateway.process().pause(Millis(200));
  Stopwatch watch;
  EXPECT_EQ(gateway.get("/?size=300000").body, pattern(300'000));
  EXPECT_LT(watch.elapsed(), Millis(3000 * kSlowness));
}

TEST(Http2Pressure, a_service_gets_one_request_until_it_has_said_how_many_it_takes) {
  EchoService echo;
  Gateway inner("limits: {http2: {max_concurrent_streams: 5}}\n" + std::string(kOneWorker) + forward_all(echo.url()));
  Gateway gateway(std::string(kOneWorker) + forward_all("h2c://127.0.0.1:" + std::to_string(inner.port())));
  std::vector<RawClient> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(gateway.connect());
  for (RawClient& client : clients) client.send(request("GET", "/?delay=100"));
  for (RawClient& client : clients) EXPECT_EQ(client.read_response().status, 200);
  for (const std::string& line : gateway.access_log(40)) EXPECT_NE(line.find("\"tries\":1"), std::string::npos) << line;
}

}  // namespace
}  // namespace gatehouse::test
