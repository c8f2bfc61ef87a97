#include <thread>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

constexpr std::uint64_t kLarge = 64ULL << 20;
const Millis kLong{20000 * kSlowness};

std::uint64_t pattern_sum(std::uint64_t size) {
  static const std::string piece = pattern(23 * 4096);
  std::uint64_t sum = kSumStart;
  while (size >= piece.size()) {
    sum = checksum(piece, sum);
    size -= piece.size();
  }
  return checksum(std::string_view(piece).substr(0, static_cast<std::size_t>(size)), sum);
}

TEST(Streaming, uploads_64_mib_unchanged) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/", "Content-Length: " + std::to_string(kLarge) + "\r\n"));
  EXPECT_EQ(client.send_pattern(kLarge, Deadline(kLong)), kLarge);
  Echo echo(client.read_response(false, Deadline(kLong)).body);
  EXPECT_EQ(echo.length, kLarge);
  EXPECT_EQ(echo.sum, hex(pattern_sum(kLarge)));
}

TEST(Streaming, downloads_64_mib_unchanged_by_length_and_in_chunks) {
  EchoGateway peer;
  for (const char* framing : {"", "&chunked=1"}) {
    RawClient client = peer.gateway.connect();
    client.send(request("GET", "/?size=" + std::to_string(kLarge) + framing));
    Response head = client.read_head();
    RawClient::BodySum body = client.read_body_sum(head, Deadline(kLong));
    EXPECT_EQ(body.length, kLarge);
    EXPECT_EQ(body.sum, pattern_sum(kLarge));
    EXPECT_TRUE(body.complete);
  }
}

TEST(Streaming, holds_a_bounded_amount_for_a_client_that_does_not_read) {
  EchoGateway peer;
  peer.gateway.get("/");
  std::size_t before = peer.gateway.process().resident_kib();
  std::vector<RawClient> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(peer.gateway.connect({.receive_buffer = 16 * 1024}));
    clients.back().send(request("GET", "/?size=" + std::to_string(kLarge)));
    ASSERT_EQ(clients.back().read_head().status, 200);
  }
  peer.gateway.process().pause(Millis(300));  // time in which a gateway without back-pressure would fill its memory
  [[maybe_unused]] std::size_t grown = peer.gateway.process().resident_kib() - before;
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(grown, 16U * 1024U) << "KiB for 16 stalled downloads of 64 MiB";
#endif
  for (RawClient& client : clients) client.reset();
  EXPECT_EQ(peer.gateway.get("/").status, 200);
}

TEST(Streaming, holds_a_bounded_amount_for_a_service_that_does_not_read) {
  Gate gate;
  ScriptedPeer service({{step::expect_head(), step::wait(gate), step::reset()}});
  Gateway gateway(forward_all(service.url()));
  std::size_t before = gateway.process().resident_kib();
  RawClient client = gateway.connect();
  client.send(request("POST", "/", "Content-Length: " + std::to_string(kLarge) + "\r\n"));
  std::uint64_t taken = client.send_pattern(kLarge, Deadline(Millis(500)));
  EXPECT_LT(taken, kLarge) << "something took it all while the service read nothing";
  [[maybe_unused]] std::size_t grown = gateway.process().resident_kib() - before;
#ifndef GATEHOUSE_SANITIZED
  EXPECT_LT(grown, 8U * 1024U);
#endif
  gate.open();
}

TEST(Streaming, carries_both_directions_at_once) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/?stream=1", "Transfer-Encoding: chunked\r\n"));
  Response head = client.read_head();
  ASSERT_EQ(head.status, 200) << head.describe();
  for (int i = 0; i < 50; ++i) {  // each piece comes back before the next one is sent
    std::string piece = "piece " + std::to_string(i) + ";";
    ASSERT_TRUE(client.send(chunk(piece)));
    ASSERT_TRUE(client.wait_for(piece)) << i << ": " << client.buffered();
  }
  client.send("0\r\n\r\n");
  EXPECT_TRUE(client.read_body_sum(head).complete);
}

TEST(Streaming, carries_a_large_echo_while_both_sides_are_full) {
  constexpr std::uint64_t kSize = 16ULL << 20;
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/?stream=1", "Content-Length: " + std::to_string(kSize) + "\r\n"));
  std::uint64_t sent = 0;
  std::thread sender([&] { sent = write_all(client.fd(), pattern(kSize), Deadline(kLong)) ? kSize : 0; });
  RawClient::BodySum body = client.read_body_sum(client.read_head(Deadline(kLong)), Deadline(kLong));
  sender.join();
  EXPECT_EQ(sent, kSize);
  EXPECT_EQ(body.length, kSize);
  EXPECT_EQ(body.sum, pattern_sum(kSize));
}

TEST(Streaming, delivers_an_early_answer_during_an_upload) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/?early=1&status=403", "Content-Length: " + std::to_string(kLarge) + "\r\n"));
  Response response = client.read_response();
  EXPECT_EQ(response.status, 403) << response.describe();
  EXPECT_EQ(response.body, "early");
  EXPECT_TRUE(response.complete);
}

TEST(Streaming, delivers_an_early_answer_to_a_client_that_is_in_the_middle_of_sending) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/?early=1&status=403", "Content-Length: " + std::to_string(kLarge) + "\r\n"));
  client.send(pattern(32 * 1024));
  Response response = client.read_response();
  EXPECT_EQ(response.status, 403) << response.describe();
  EXPECT_EQ(response.body, "early");
}

TEST(Streaming, delivers_a_refusal_to_a_client_that_sends_all_before_it_reads) {
  constexpr std::uint64_t kSize = 24 * 1024 * 1024;
  EchoGateway peer("limits: {max_body: 1MiB}\n");
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/", "Content-Length: " + std::to_string(kSize) + "\r\n"));
  EXPECT_EQ(client.send_pattern(kSize, Deadline(kLong)), kSize);
  expect_refusal(client.read_response(), 413, "body_too_large");
  EXPECT_EQ(peer.echo.requests(), 0U);
}

TEST(Streaming, answers_a_client_that_has_closed_its_half) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("POST", "/?delay=100", "", "hello"));
  client.half_close();
  Response response = client.read_response();
  EXPECT_EQ(response.status, 200) << response.describe();
  EXPECT_EQ(Echo(response.body).body, "hello");
  EXPECT_EQ(client.wait_end(), End::eof);
}

TEST(Streaming, cancels_the_service_when_the_client_resets) {
  ScriptedPeer service({{step::expect_head(), step::hang()}, {step::expect_request(), step::respond(200, "ok")}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("GET", "/"));
  ASSERT_TRUE(service.wait_received(0, "\r\n\r\n"));
  client.reset();
  EXPECT_TRUE(service.wait_ended(0)) << "the service's connection was left open";
  EXPECT_EQ(gateway.get("/").body, "ok");
}

TEST(Streaming, cuts_the_request_at_the_service_when_the_client_leaves_during_an_upload) {
  ScriptedPeer service({{step::expect_head(), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("POST", "/", "Transfer-Encoding: chunked\r\n") + chunk("part"));
  ASSERT_TRUE(service.wait_received(0, "part"));
  client.reset();
  EXPECT_TRUE(service.wait_ended(0));
  EXPECT_EQ(service.received(0).find("\r\n0\r\n"), std::string::npos) << "a cut body was ended as if it were whole";
}

}  // namespace
}  // namespace gatehouse::test
