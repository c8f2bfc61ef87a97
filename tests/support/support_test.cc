#include <gtest/gtest.h>
#include <signal.h>

#include "support/count_calls.h"
#include "support/echo_service.h"
#include "support/process.h"
#include "support/raw_client.h"
#include "support/scripted_peer.h"
#include "support/temp_dir.h"

namespace gatehouse::test {
namespace {

TEST(Process, gives_output_and_exit_code) {
  Finished result = run_program({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(Process, says_which_signal_ended_it) {
  Process process({"/bin/sleep", "60"});
  EXPECT_TRUE(process.running());
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait_exit(), 128 + SIGTERM);
}

TEST(Process, passes_environment_and_sockets) {
  Fd listener = listen_tcp(0);
  ProcessOptions options;
  options.environment = {{"COLOUR", "blue"}};
  options.keep_descriptors = {listener.get()};
  Finished result =
      run_program({"/bin/sh", "-c", "echo $COLOUR $LISTEN_FDS; test $LISTEN_PID = $$ && readlink /proc/self/fd/3"},
                  std::move(options));
  EXPECT_TRUE(result.out.starts_with("blue 1\nsocket:")) << result.out;
}

TEST(Ports, are_given_once) {
  std::uint16_t first = free_port(), second = free_port();
  EXPECT_NE(first, second);
  EXPECT_FALSE(RawClient(first).connected());
}

TEST(EchoService, answers_with_what_it_was_sent) {
  EchoService service("a");
  RawClient client(service.port());
  client.send(request("POST", "/x?y=1", "X-A: b\r\n", "hello") + request("GET", "/second"));
  Response response = client.read_response();
  ASSERT_EQ(response.status, 200) << response.describe();
  Echo echo(response.body);
  ASSERT_TRUE(echo.parsed);
  EXPECT_EQ(echo.service, "a");
  EXPECT_EQ(echo.method, "POST");
  EXPECT_EQ(echo.target, "/x?y=1");
  EXPECT_EQ(echo.fields.get("x-a"), "b");
  EXPECT_EQ(echo.body, "hello");
  EXPECT_EQ(echo.sum, hex(checksum("hello")));
  EXPECT_EQ(Echo(client.read_response().body).target, "/second");
}

TEST(EchoService, reads_and_writes_chunks_and_trailers) {
  EchoService service;
  Response response =
      ask(service.port(), request("POST", "/?size=100000&chunked=1&trailer=1", "Transfer-Encoding: chunked\r\n") +
                              "3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
  EXPECT_TRUE(response.complete) << response.describe();
  EXPECT_EQ(response.body, pattern(100000));
  EXPECT_EQ(response.trailers.get("x-sum"), hex(checksum(response.body)));
  response = ask(service.port(),
                 request("POST", "/", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
  EXPECT_EQ(Echo(response.body).body, "abcde");
  EXPECT_EQ(Echo(response.body).trailers.get("x-t"), "1");
}

TEST(EchoService, is_steered_by_the_query) {
  EchoService service;
  EXPECT_EQ(get(service.port(), "/?status=418").status, 418);
  EXPECT_EQ(get(service.port(), "/?interim=103").interim.size(), 1U);
  EXPECT_EQ(get(service.port(), "/?header=X-A:b").header("x-a"), "b");
  Response closed = ask(service.port(), request("POST", "/?early=1", "Content-Length: 1000000\r\n"));
  EXPECT_EQ(closed.body, "early");
  Response old = get(service.port(), "/?version=1.0");
  EXPECT_EQ(old.version, "HTTP/1.0");
  EXPECT_TRUE(old.complete);
  RawClient stream(service.port());
  stream.send(request("POST", "/?stream=1", "Transfer-Encoding: chunked\r\n") + chunk("one"));
  EXPECT_TRUE(stream.wait_for("one"));
  stream.send(chunk("two") + "0\r\n\r\n");
  EXPECT_EQ(stream.read_response().body, "onetwo");
}

TEST(HttpService, comes_back_on_its_port) {
  EchoService service;
  std::uint16_t port = service.port();
  EXPECT_EQ(get(port, "/").status, 200);
  service.stop();
  EXPECT_FALSE(RawClient(port).connected());
  service.restart();
  EXPECT_EQ(get(port, "/").status, 200);
}

TEST(HttpService, listens_on_ipv6_and_unix_sockets) {
  EchoService six("six", Loopback::v6);
  RawClient client(six.port(), {.family = Loopback::v6});
  client.send(request("GET", "/"));
  EXPECT_EQ(Echo(client.read_response().body).service, "six");
  TempDir dir;
  EchoService local("local", dir.file("echo.sock"));
  RawClient other(connect_unix(dir.file("echo.sock")));
  other.send(request("GET", "/"));
  EXPECT_EQ(Echo(other.read_response().body).service, "local");
}

TEST(ScriptedPeer, follows_a_script_per_connection_and_remembers) {
  ScriptedPeer peer(
      {{step::expect_request(), step::respond(200, "first"), step::close()},
       {step::expect_head(), step::send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"), step::reset()},
       {step::expect("x"), step::half_close(), step::hang()}});
  Response first = ask(peer.port(), request("POST", "/", "", "body"));
  EXPECT_EQ(first.body, "first");
  EXPECT_TRUE(peer.received(0).ends_with("body"));
  Response second = ask(peer.port(), request("GET", "/"));
  EXPECT_FALSE(second.complete);
  EXPECT_EQ(second.end, End::reset);
  RawClient third(peer.port());
  third.send("x");
  EXPECT_EQ(third.wait_end(), End::eof);
  third.send("more");
  EXPECT_TRUE(peer.wait_received(2, "xmore"));
  third.reset();
  EXPECT_TRUE(peer.wait_ended(2));
  EXPECT_EQ(peer.ended(2), End::reset);
  EXPECT_EQ(peer.connections(), 3U);
}

TEST(ScriptedPeer, waits_at_a_gate) {
  Gate gate;
  ScriptedPeer peer({{step::expect_head(), step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), step::wait(gate),
                      step::send("ok")}});
  RawClient client(peer.port());
  client.send(request("GET", "/"));
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_TRUE(client.silent());
  gate.open();
  EXPECT_EQ(client.read_exactly(2), "ok");
}

TEST(RawClient, tells_a_reset_from_an_end) {
  ScriptedPeer peer({{step::expect("a"), step::reset()}, {step::expect("a"), step::close()}});
  RawClient reset(peer.port()), ended(peer.port());
  reset.send("a");
  EXPECT_EQ(reset.wait_end(), End::reset);
  ended.send("a");
  EXPECT_EQ(ended.wait_end(), End::eof);
}

TEST(RawClient, does_not_take_a_cut_body_for_a_whole_one) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n"}) {
    ScriptedPeer peer({{step::expect_head(), step::send(answer), step::close()}});
    EXPECT_FALSE(get(peer.port(), "/").complete) << answer;
  }
}

TEST(CallCounter, sees_allocations_and_socket_calls_of_a_program) {
  TempDir dir;
  CallCounter counter(dir.file("counts"));
  EchoService service;
  ProcessOptions options;
  options.environment = {{"LD_PRELOAD", CallCounter::library()}, {"GATEHOUSE_CALL_COUNTS", dir.file("counts")}};
  Finished result = run_program({"/usr/bin/curl", "-s", "http://" + service.address() + "/"}, std::move(options));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Echo(result.out).parsed) << result.out;
  EXPECT_GT(counter.values().allocations, 10U);
  EXPECT_GE(counter.values().socket_reads, 1U);
  EXPECT_GE(counter.values().socket_writes, 1U);
}

}  // namespace
}  // namespace gatehouse::test
