#include "e2e/fixtures.h"
#include "support/count_calls.h"

namespace gatehouse::test {
namespace {

/// A gateway with one worker under the counting library.
struct CountedGateway {
  explicit CountedGateway(const std::string& config)
      : counter(dir.file("counts")),
        gateway("workers: 1\nlogging: {access: false}\n" + config, {.process = {.environment = environment()}}) {}

  std::map<std::string, std::string> environment() const {
    return {{"LD_PRELOAD", CallCounter::library()}, {"GATEHOUSE_CALL_COUNTS", dir.file("counts")}};
  }
  /// The counts when the gateway has come to rest: a client has its answer before the call that sent it is counted.
  CallCounter::Values settled() {
    CallCounter::Values values = counter.values();
    for (Deadline deadline; !deadline.passed();) {
      gateway.process().pause(Millis(20));
      const CallCounter::Values later = counter.values();
      if (later.socket_writes == values.socket_writes && later.socket_reads == values.socket_reads) return later;
      values = later;
    }
    return values;
  }

  TempDir dir;
  CallCounter counter;
  Gateway gateway;
};

/// One exchange on a connection that is open; the answer's bytes are known beforehand, so that the client adds nothing.
bool ask_again(RawClient& client) {
  client.send(request("GET", "/path?query=1", "User-Agent: test\r\nAccept: */*\r\n"));
  return client.read_response().status == 200;
}

class Counted : public testing::Test {
 protected:
  void SetUp() override {
#ifdef GATEHOUSE_SANITIZED
    GTEST_SKIP() << "a sanitizer brings an allocator of its own";
#endif
  }
};

TEST_F(Counted, keep_alive_requests_of_a_thousand_connections_allocate_nothing) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
  CountedGateway counted(forward_all(service.url()));
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(counted.gateway.connect());
    ASSERT_TRUE(clients.back().connected()) << i;
  }
  for (int round = 0; round < 2; ++round) {  // warm-up: every connection has had its buffers once
    for (RawClient& client : clients) ASSERT_TRUE(ask_again(client));
  }
  CallCounter::Values before = counted.settled();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) ASSERT_TRUE(ask_again(clients[i * 7 % clients.size()]));
  }
  CallCounter::Values after = counted.settled();
  EXPECT_EQ(after.allocations - before.allocations, 0U) << "mallocs in 2,000 requests";
  EXPECT_EQ(after.frees - before.frees, 0U);
  EXPECT_EQ(service.connections(), 1U) << "one connection to the service served them one after another";
}

TEST_F(Counted, a_forwarded_request_takes_two_reads_and_two_writes) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
  CountedGateway counted(forward_all(service.url()));
  RawClient client = counted.gateway.connect();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ask_again(client));
  CallCounter::Values before = counted.settled();
  constexpr std::uint64_t kRequests = 1000;
  for (std::uint64_t i = 0; i < kRequests; ++i) ASSERT_TRUE(ask_again(client));
  CallCounter::Values after = counted.settled();
  EXPECT_EQ(after.socket_reads - before.socket_reads, 2 * kRequests);
  EXPECT_EQ(after.socket_writes - before.socket_writes, 2 * kRequests);
  EXPECT_EQ(after.failed_reads - before.failed_reads, 0U);
}

TEST_F(Counted, connections_at_the_same_time_allocate_nothing_either) {
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "hello"); });
  CountedGateway counted(forward_all(service.url(), "pool: {idle_timeout: 60s}"));
  std::vector<RawClient> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(counted.gateway.connect());
  auto all_at_once = [&] {
    for (RawClient& client : clients) client.send(request("GET", "/"));
    for (RawClient& client : clients) ASSERT_EQ(client.read_response().status, 200);
  };
  for (int i = 0; i < 20; ++i) all_at_once();
  std::size_t connections = service.connections();
  CallCounter::Values before = counted.settled();
  for (int i = 0; i < 20; ++i) all_at_once();
  CallCounter::Values after = counted.settled();
  // A burst that is wider than any before it opens connections, which do allocate.
  std::uint64_t fresh = service.connections() - connections;
  EXPECT_LE(after.allocations - before.allocations, fresh * 16) << fresh << " new connections to the service";
}

}  // namespace
}  // namespace gatehouse::test
