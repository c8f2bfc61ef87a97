#include "engine/control/redis_clients.h"

#include <gmock/gmock.h>

#include <optional>

#include "io/loop_test.h"
#include "plugin/exchange.h"
#include "support/redis_server.h"

namespace gatehouse::engine {
namespace {

using namespace std::chrono_literals;
using gatehouse::test::RedisServer;
using testing::HasSubstr;
using testing::Not;

/// A control thread and two workers, driven in turn by the test's own.
class RedisClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  }
  void TearDown() override {
    bool over = false;
    clients_.retire_all([&over] { over = true; });
    EXPECT_TRUE(until_true([&over] { return over; }));
  }

  void prepare(const std::string& redis) {
    config::Loaded loaded = config::load_text({.name = "t.yaml",
                                               .text = "listeners: [{address: \"127.0.0.1:0\"}]\n" + redis +
                                                       "\nroutes: [{path: /, respond: {status: 204}}]\n"},
                                              catalogue_);
    ASSERT_FALSE(loaded.diagnostics.has_errors()) << loaded.diagnostics.text();
    ASSERT_TRUE(clients_.prepare(loaded.model, loaded.diagnostics)) << loaded.diagnostics.text();
  }
  static std::string at(const RedisServer& server) {
    return "redis: {address: \"" + server.address() + "\", timeout: 20s}";
  }
  bool until_true(const std::function<bool()>& holds) {
    const TimePoint end = deadline_after(steady_now(), 20s);
    while (!holds()) {
      if (steady_now() >= end) return false;
      for (io::Reactor& reactor : reactors_) io::test::run_for(reactor, 1ms);
    }
    return true;
  }
  std::string metrics() {
    telemetry::Samples samples;
    clients_.scrape(samples);
    return samples.take_text();
  }

  /// An exchange whose plugin asks.
  struct Asking {
    Asking(const plugin::Redis& redis, io::Reactor& reactor, unsigned worker) : scope(reactor.scheduler()) {
      exchange.worker = worker;
      exchange.scope = &scope;
      job.start(run(redis));
    }
    Task<void> run(const plugin::Redis& redis) {
      constexpr std::string_view kKeys[] = {"key"}, kArguments[] = {"value"};
      script = redis.script("redis.call('SET', KEYS[1], ARGV[1]); return redis.call('INCR', 'count')");
      result = co_await redis.eval(exchange, script, kKeys, kArguments);
    }
    Scope scope;
    Arena arena;
    plugin::Exchange exchange{arena};
    RedisScript script;
    std::optional<RedisResult> result;
    Job job;
  };

  config::Catalogue catalogue_;
  io::Reactor reactors_[3];
  RedisClients clients_{reactors_[2], {&reactors_[0], &reactors_[1]}};
};

TEST_F(RedisClientsTest, each_worker_has_connections_of_its_own) {
  const RedisServer server;
  prepare(at(server));
  const auto redis = clients_.of_last_prepared();
  ASSERT_NE(redis, nullptr);
  Asking one(*redis, reactors_[0], 0), two(*redis, reactors_[1], 1), three(*redis, reactors_[1], 1);
  ASSERT_TRUE(until_true([&] { return one.result && two.result && three.result; }));
  ASSERT_TRUE(*one.result) << (*one.result).error().text;
  EXPECT_EQ((*one.result)->integer + (*two.result)->integer + (*three.result)->integer, 1 + 2 + 3);
  EXPECT_EQ(server.cli({"GET", "key"}), "value");
  const std::string text = metrics();
  EXPECT_THAT(text, HasSubstr("gatehouse_redis_connected 2\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_redis_commands_total{result=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_redis_commands_total{result=\"timeout\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_redis_connects_total{result=\"ok\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gatehouse_redis_command_duration_seconds_count"));
}

TEST_F(RedisClientsTest, where_nothing_may_wait_nothing_is_asked) {
  const RedisServer server;
  prepare(at(server));
  const auto redis = clients_.of_last_prepared();
  Arena arena;
  plugin::Exchange exchange(arena);
  constexpr std::string_view kPing[] = {"PING"};
  Task<RedisResult> asking = redis->command(exchange, kPing);
  asking.start();
  ASSERT_TRUE(asking.done());
  EXPECT_EQ(asking.result().error().fault, RedisError::Fault::cancelled);
}

TEST_F(RedisClientsTest, the_same_configuration_keeps_its_connections) {
  const RedisServer server;
  prepare(at(server));
  const auto before = clients_.of_last_prepared();
  prepare(at(server));
  EXPECT_EQ(clients_.of_last_prepared(), before);
  prepare("redis: {address: \"" + server.address() + "\", timeout: 19s}");
  EXPECT_NE(clients_.of_last_prepared(), before);
}

TEST_F(RedisClientsTest, another_address_gets_new_connections_and_the_old_ones_finish) {
  const RedisServer first, second;
  prepare(at(first));
  auto old = clients_.of_last_prepared();
  Asking one(*old, reactors_[0], 0);
  prepare(at(second));
  auto next = clients_.of_last_prepared();
  clients_.sweep();
  Asking two(*next, reactors_[0], 0);
  ASSERT_TRUE(until_true([&] { return one.result && two.result; }));
  EXPECT_TRUE(one.result->has_value()) << one.result->error().text;
  EXPECT_TRUE(two.result->has_value()) << two.result->error().text;
  EXPECT_EQ(first.cli({"GET", "count"}), "1");
  EXPECT_EQ(second.cli({"GET", "count"}), "1");
  EXPECT_THAT(metrics(), HasSubstr("gatehouse_redis_connected 2\n"));
  old.reset();
  clients_.sweep();
  EXPECT_TRUE(until_true([&] { return metrics().contains("gatehouse_redis_connected 1\n"); }));
  EXPECT_THAT(metrics(), HasSubstr("gatehouse_redis_commands_total{result=\"ok\"} 2\n")) << "counters do not fall";
}

TEST_F(RedisClientsTest, without_a_redis_there_is_none) {
  prepare("");
  EXPECT_EQ(clients_.of_last_prepared(), nullptr);
  EXPECT_THAT(metrics(), Not(HasSubstr("redis")));
}

}  // namespace
}  // namespace gatehouse::engine
