#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

/// A listener whose queue is full: the kernel answers no SYN, so that connecting hangs.
class FullListener {
 public:
  FullListener() : port_(free_port()), listener_(listen_tcp(port_, Loopback::v4, 0)) {
    for (int i = 0; i < 4; ++i) {
      waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port_);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      (void)::connect(waiting_.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  std::uint16_t port_;
  Fd listener_;
  std::vector<Fd> waiting_;
};

TEST(Upstream, a_smaller_cap_holds_soon_after_a_reload) {
  std::atomic<int> now{0}, most{0};
  HttpService service([&](ServiceExchange& exchange) {
    most = std::max<int>(most, ++now);
    exchange.pause(Millis(20));
    --now;
    exchange.respond(200, "ok");
  });
  const auto capped = [&](int cap) {
    return forward_all(service.url(), "pool: {max_connections: " + std::to_string(cap) + ", queue_timeout: 10s}");
  };
  Gateway gateway(capped(20));
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 30; ++i) {
    clients.emplace_back([&] {
      RawClient client = gateway.connect();
      while (!stop) {
        client.send(request("GET", "/"));
        EXPECT_EQ(client.read_response().status, 200);
      }
    });
  }
  for (Deadline deadline; most <= 10 && !deadline.passed();) gateway.process().pause(Millis(10));
  EXPECT_GT(most, 10);
  EXPECT_TRUE(gateway.reload(capped(3)));
  const auto most_of = [&](Millis time) {
    most = 0;
    gateway.process().pause(time);
    return most.load();
  };
  for (Deadline deadline; most_of(Millis(100)) > 3 && !deadline.passed();) continue;
  EXPECT_LE(most_of(Millis(500)), 3);
  stop = true;
  for (std::thread& client : clients) client.join();
}

TEST(Upstream, an_expectation_without_a_body_costs_no_connection) {
  EchoGateway peer("workers: 1\nlisteners: [{name: public, address: \"@listen@\"}]\n");
  RawClient client = peer.gateway.connect();
  for (const char* field : {"Expect: 100-continue\r\n", "Expect: x\r\n", ""}) {
    client.send(request("GET", "/", field));
    const Echo seen(client.read_response().body);
    EXPECT_FALSE(seen.fields.has("expect")) << field;
  }
  EXPECT_EQ(peer.echo.connections(), 1U);
}

TEST(Upstream, answers_502_when_nobody_listens) {
  Gateway gateway(forward_all("http://127.0.0.1:" + std::to_string(free_port())));
  expect_refusal(gateway.get("/"), 502, "upstream_connect");
}

TEST(Upstream, answers_504_when_connecting_hangs) {
  FullListener hole;
  Gateway gateway(forward_all(hole.url(), "timeouts: {connect: 200ms}"));
  Stopwatch watch;
  expect_refusal(gateway.get("/"), 504, "upstream_connect_timeout");
  EXPECT_LT(watch.elapsed(), Millis(1500 * kSlowness));
}

TEST(Upstream, answers_504_when_no_answer_comes) {
  ScriptedPeer service({{step::expect_request(), step::hang()}});
  Gateway gateway(forward_all(service.url(), "timeouts: {read: 200ms}"));
  expect_refusal(gateway.get("/"), 504, "upstream_timeout");
  EXPECT_TRUE(service.wait_ended(0)) << "the connection must not be used again";
}

TEST(Upstream, holds_the_total_time_though_every_read_is_in_time) {
  ScriptedPeer service({{step::expect_request(), step::send_slowly(std::string(200, 'H'), 1, Millis(30))}});
  Gateway gateway(forward_all(service.url(), "timeouts: {read: 1s, total: 300ms}"));
  Stopwatch watch;
  Response response = gateway.get("/");
  EXPECT_TRUE(response.status == 504 || response.status == 502) << response.describe();
  EXPECT_LT(watch.elapsed(), Millis(2000 * kSlowness));
}

TEST(Upstream, lets_a_route_shorten_the_timeout_of_its_service) {
  ScriptedPeer service({{step::expect_request(), step::hang()}});
  Gateway gateway(forward_all(service.url(), "timeouts: {read: 20s}", "timeouts: {read: 200ms}"));
  expect_refusal(gateway.get("/"), 504, "upstream_timeout");
}

TEST(Upstream, answers_502_when_the_service_ends_before_an_answer) {
  ScriptedPeer closes({{step::expect_request(), step::close()}});
  ScriptedPeer resets({{step::expect_request(), step::reset()}});
  ScriptedPeer half({{step::expect_request(), step::send("HTTP/1.1 200 OK\r\nX-A:"), step::close()}});
  for (ScriptedPeer* service : {&closes, &resets, &half}) {
    Gateway gateway(forward_all(service->url()));
    expect_refusal(gateway.send(request("POST", "/", "", "x")), 502, "upstream_reset");
  }
}

TEST(Upstream, shows_the_client_that_a_body_was_cut) {
  const std::string by_length = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n";
  for (const std::string& answer : {by_length, chunked}) {
    for (const Step& end : {step::close(), step::reset()}) {
      Gate seen;
      ScriptedPeer service({{step::expect_request(), step::send(answer), step::wait(seen), end}});
      Gateway gateway(forward_all(service.url()));
      RawClient client = gateway.connect();
      client.send(request("GET", "/"));
      EXPECT_TRUE(client.wait_for("only this"));
      seen.open();
      Response response = client.read_response();
      EXPECT_EQ(response.status, 200);
      EXPECT_FALSE(response.complete) << "a cut body was passed as a whole one";
      EXPECT_TRUE(response.end == End::eof || response.end == End::reset) << name(response.end);
    }
  }
}

TEST(Upstream, times_out_in_the_middle_of_a_body_by_cutting_it) {
  ScriptedPeer service(
      {{step::expect_request(), step::send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), step::hang()}});
  Gateway gateway(forward_all(service.url(), "timeouts: {read: 200ms}"));
  Response response = gateway.get("/");
  EXPECT_FALSE(response.complete) << response.describe();
  EXPECT_NE(response.end, End::timeout);
}

TEST(Upstream, passes_no_byte_beyond_content_length_and_drops_the_connection) {
  ScriptedPeer service({{step::expect_request(),
                         step::send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n"
                                    "Content-Length: 4\r\n\r\nevil"),
                         step::hang()},
                        {step::expect_request(), step::respond(200, "fresh"), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("GET", "/1"));
  EXPECT_EQ(client.read_response().body, "hello");
  client.send(request("GET", "/2"));
  EXPECT_EQ(client.read_response().body, "fresh") << "an answer that nobody asked for must not reach the next request";
}

TEST(Upstream, answers_502_to_what_is_not_http) {
  const std::string wrong[] = {
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/3.0 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n", 30),
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  };
  for (const std::string& answer : wrong) {
    SCOPED_TRACE(answer);
    ScriptedPeer service({{step::expect_request(), step::send(answer), step::close()}});
    Gateway gateway(forward_all(service.url()));
    expect_refusal(gateway.get("/"), 502, "upstream_protocol");
  }
}

TEST(Upstream, gives_up_on_a_head_without_end) {
  ScriptedPeer endless({{step::expect_request(), step::send("HTTP/1.1 200 OK\r\n"), step::send_forever("X-A: b\r\n")}});
  Gateway gateway(forward_all(endless.url()));
  expect_refusal(gateway.get("/"), 502, "upstream_protocol");
  ScriptedPeer interim({{step::expect_request(), step::send_forever("HTTP/1.1 103 Early Hints\r\n\r\n")}});
  Gateway other(forward_all(interim.url(), "timeouts: {read: 500ms, total: 1s}"));
  RawClient client = other.connect();
  client.send(request("GET", "/", "Connection: close\r\n"));
  EXPECT_NE(client.wait_end(), End::timeout) << "endless interim answers must end somewhere";
}

TEST(Upstream, tries_an_idempotent_request_again_when_a_kept_connection_was_gone) {
  ScriptedPeer service({{step::expect_request(), step::respond(200, "one"), step::expect_request(), step::close()},
                        {step::expect_request(), step::respond(200, "two"), step::hang()}});
  Gateway gateway("workers: 1\n" + forward_all(service.url()));
  EXPECT_EQ(gateway.get("/1").body, "one");
  Response second = gateway.get("/2");
  EXPECT_EQ(second.body, "two") << second.describe();
  EXPECT_EQ(service.connections(), 2U);
}

TEST(Upstream, does_not_send_a_post_twice) {
  ScriptedPeer service({{step::expect_request(), step::respond(200, "one"), step::expect_request(), step::close()},
                        {step::expect_request(), step::respond(200, "twice!"), step::hang()}});
  Gateway gateway("workers: 1\n" + forward_all(service.url()));
  EXPECT_EQ(gateway.get("/1").body, "one");
  expect_refusal(gateway.send(request("POST", "/pay", "", "100")), 502, "upstream_reset");
  EXPECT_EQ(service.connections(), 1U);
}

TEST(Upstream, does_not_retry_on_a_fresh_connection) {
  ScriptedPeer service({{step::expect_request(), step::close()}});
  Gateway gateway(forward_all(service.url()));
  expect_refusal(gateway.get("/"), 502, "upstream_reset");
  EXPECT_EQ(service.connections(), 1U);
}

TEST(Upstream, notices_that_an_idle_connection_was_closed) {
  ScriptedPeer service({{step::expect_request(), step::respond(200, "one"), step::close()},
                        {step::expect_request(), step::respond(200, "two"), step::hang()}});
  Gateway gateway("workers: 1\n" + forward_all(service.url()));
  EXPECT_EQ(gateway.get("/1").body, "one");
  gateway.process().pause(Millis(100 * kSlowness));  // a POST that crosses with the close is not sent twice: 502
  EXPECT_EQ(gateway.send(request("POST", "/2", "", "x")).body, "two");
}

TEST(Upstream, queues_at_the_cap_of_the_pool_and_refuses_when_the_queue_is_over) {
  Gate gate;
  std::atomic<int> inside = 0, most = 0;
  HttpService service([&](ServiceExchange& exchange) {
    int now = ++inside;
    if (now > most) most = now;
    exchange.wait(gate.fd());
    --inside;
    exchange.respond(200, "done");
  });
  Gateway gateway(forward_all(service.url(), "pool: {max_connections: 2, queue: 2, queue_timeout: 5s}"));
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(gateway.connect());
    clients.back().send(request("GET", "/" + std::to_string(i)));
    if (i == 1) {
      for (Deadline deadline; inside < 2 && !deadline.passed();) gateway.process().pause(Millis(2));
    }
  }
  gateway.process().pause(Millis(100));  // lets the two that wait reach the queue
  expect_refusal(gateway.get("/over"), 503, "overloaded");
  gate.open();
  for (RawClient& client : clients) EXPECT_EQ(client.read_response().body, "done");
  EXPECT_EQ(most, 2);
}

TEST(Upstream, refuses_after_queue_timeout) {
  Gate gate;
  HttpService service([&](ServiceExchange& exchange) {
    exchange.wait(gate.fd());
    exchange.respond(200, "done");
  });
  Gateway gateway(forward_all(service.url(), "pool: {max_connections: 1, queue_timeout: 200ms}"));
  RawClient first = gateway.connect();
  first.send(request("GET", "/"));
  for (Deadline deadline; service.requests() < 1 && !deadline.passed();) gateway.process().pause(Millis(2));
  Stopwatch watch;
  expect_refusal(gateway.get("/"), 503, "overloaded");
  EXPECT_GE(watch.elapsed(), Millis(150));
  gate.open();
  EXPECT_EQ(first.read_response().body, "done");
}

TEST(Upstream, serves_again_as_soon_as_the_service_is_back) {
  EchoGateway peer;
  EXPECT_EQ(peer.gateway.get("/").status, 200);
  peer.echo.stop();
  expect_refusal(peer.gateway.get("/"), 502, "upstream_connect");
  peer.echo.restart();
  EXPECT_EQ(peer.gateway.get("/").status, 200);
}

TEST(Upstream, spreads_requests_by_weight_in_turn) {
  EchoService a("a"), b("b"), c("c");
  Gateway gateway("workers: 1\nservices:\n  - name: main\n    targets: [{address: \"" + a.address() +
                  "\", weight: 2}, {address: \"" + b.address() + "\"}, {address: \"" + c.address() +
                  "\", weight: 0}]\nroutes: [{path: \"/*\", service: main}]\n");
  std::map<std::string, int> counts;
  for (int i = 0; i < 30; ++i) ++counts[gateway.get("/").header("x-service")];
  EXPECT_EQ(counts["a"], 20);
  EXPECT_EQ(counts["b"], 10);
  EXPECT_EQ(counts["c"], 0);
}

TEST(Upstream, reaches_unix_sockets_and_ipv6) {
  TempDir dir;
  EchoService local("local", dir.file("service.sock")), six("six", Loopback::v6);
  Gateway gateway("services: [{name: local, url: \"unix:" + dir.file("service.sock") + "\"}, {name: six, url: \"" +
                  six.url() +
                  "\"}]\nroutes: [{path: \"/local/*\", service: local}, {path: \"/six/*\", service: six}]\n");
  EXPECT_EQ(gateway.get("/local/x").header("x-service"), "local");
  EXPECT_EQ(gateway.get("/six/x").header("x-service"), "six");
}

TEST(Upstream, starts_with_a_name_that_does_not_resolve) {
  Gateway gateway(forward_all("http://nowhere.invalid:80"));
  expect_refusal(gateway.get("/"), 503, "no_healthy_target");
}

TEST(Upstream, resolves_localhost) {
  EchoService echo;
  Gateway gateway(forward_all("http://localhost:" + std::to_string(echo.port())));
  int status = 0;
  for (Deadline deadline; status != 200 && !deadline.passed();) status = gateway.get("/").status;
  EXPECT_EQ(status, 200);
}

TEST(Upstream, puts_the_path_of_the_url_in_front) {
  EchoService echo;
  Gateway gateway(forward_all(echo.url() + "/v1/"));
  EXPECT_EQ(Echo(gateway.get("/users?a=b").body).target, "/v1/users?a=b");
}

TEST(Upstream, leaves_no_connection_behind) {
  EchoGateway peer("", "pool: {idle_timeout: 200ms}");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) peer.gateway.get("/", "Connection: close\r\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t idle = peer.gateway.process().open_descriptors();
  for (Deadline deadline; idle > 40 && !deadline.passed(); idle = peer.gateway.process().open_descriptors()) {
    peer.gateway.process().pause(Millis(50));
  }
  EXPECT_LE(idle, 40U);
}

TEST(Upstream, counts_errors_by_reason) {
  Gateway gateway(forward_all("http://127.0.0.1:" + std::to_string(free_port())));
  for (int i = 0; i < 3; ++i) gateway.get("/");
  EXPECT_EQ(gateway.wait_metric("gatehouse_errors_total", 3, {"reason=\"upstream_connect\""}), 3);
  EXPECT_EQ(gateway.metric("gatehouse_requests_total", {"code=\"502\"", "route=\"all\"", "service=\"main\""}), 3);
}

}  // namespace
}  // namespace gatehouse::test
