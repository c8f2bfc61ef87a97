#include <atomic>
#include <csignal>
#include <map>
#include <thread>

#include "e2e/fixtures.h"
#include "support/http_service.h"
#include "support/redis_server.h"

// Rate-limiting with `policy: redis`: several gateways, and a Redis that fails.

namespace gatehouse::test {
namespace {

/// Longer than any answer takes, where time is not what is tested.
constexpr const char* kPatient = "20s";

std::string limited(const std::string& redis, std::string_view limits, std::string_view timeout = kPatient) {
  return "redis: {" + redis + ", timeout: " + std::string(timeout) +
         "}\nplugins: [{name: rate-limiting, config: {policy: redis, " + std::string(limits) +
         "}}]\nroutes: [{name: all, path: \"/*\", respond: {status: 200}}]\n";
}

std::string at(const RedisServer& server) {
  return "address: \"" + server.address() + "\"";
}

constexpr const char* kFallbacks = "gatehouse_ratelimit_redis_fallbacks_total";

class RedisLimits : public testing::Test {
 protected:
  class Load;

  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  }

  static std::vector<std::unique_ptr<Gateway>> gateways(int count, const std::string& config) {
    std::vector<std::unique_ptr<Gateway>> all;
    for (int i = 0; i < count; ++i) all.push_back(std::make_unique<Gateway>(config));
    return all;
  }

  /// Calls each(client) for a connection of its own to each gateway, twice, at once, until it gives false.
  static void flood(const std::vector<std::unique_ptr<Gateway>>& all, const std::function<bool(RawClient&)>& each) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < all.size() * 2; ++i) {
      threads.emplace_back([&, i] {
        RawClient client = all[i / 2]->connect();
        while (each(client)) {
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  /// How many of `count` requests to all pass.
  static int passed(const std::vector<std::unique_ptr<Gateway>>& all, int count) {
    std::atomic<int> left{count}, good{0};
    flood(all, [&](RawClient& client) {
      if (left-- <= 0) return false;
      client.send(request("GET", "/"));
      const int status = client.read_response().status;
      EXPECT_TRUE(status == 200 || status == 429) << status;
      good += status == 200;
      return true;
    });
    return good;
  }

  static double fallbacks(const Gateway& gateway) { return gateway.metric(kFallbacks, {"result=\"local\""}); }
};

TEST_F(RedisLimits, four_gateways_admit_exactly_the_limit_in_each_of_ten_windows) {
  constexpr int kLimit = 20, kWindows = 10;
  RedisServer server;
  const auto all = gateways(4, limited(at(server), "second: 20"));
  // Each answer says when its window ends, by the one clock that counts. A window that refused somebody was full.
  std::array<std::map<std::string, int>, 8> seen;  // by thread: admitted, by window
  std::array<std::map<std::string, int>, 8> refused;
  std::atomic<unsigned> next{0};
  std::atomic<int> windows{0};
  const Deadline deadline{Millis(120'000)};
  flood(all, [&](RawClient& client) {
    thread_local const unsigned me = next++;
    client.send(request("GET", "/"));
    const Response response = client.read_response();
    const std::string window(response.header("x-ratelimit-reset"));
    EXPECT_TRUE(response.status == 200 || response.status == 429) << response.describe();
    if (response.status == 200)
      ++seen[me][window];
    else if (refused[me][window]++ == 0 && me == 0)
      ++windows;
    return windows <= kWindows + 1 && !deadline.passed();
  });
  std::map<std::string, int> admitted;
  for (const auto& each : seen) {
    for (const auto& [window, count] : each) admitted[window] += count;
  }
  int full = 0;
  for (const auto& [window, count] : refused[0]) {
    EXPECT_EQ(admitted[window], kLimit) << window;
    ++full;
  }
  EXPECT_GE(full, kWindows);
  for (const auto& [window, count] : admitted) EXPECT_LE(count, kLimit) << window;
  for (const auto& gateway : all) EXPECT_EQ(fallbacks(*gateway), 0);
}

TEST_F(RedisLimits, four_gateways_admit_exactly_the_limit_with_each_algorithm) {
  RedisServer server;
  for (const char* limits :
       {"month: 200, year: 300", "year: 200, algorithm: sliding-window", "year: 200, algorithm: token-bucket",
        "minute: 1, algorithm: leaky-bucket, burst: 199, nodelay: true"}) {
    server.cli({"FLUSHALL"});
    const auto all = gateways(4, limited(at(server), limits));
    EXPECT_EQ(passed(all, 400), 200) << limits;
  }
}

TEST_F(RedisLimits, asks_once_for_all_windows_of_a_request) {
  RedisServer server;
  Gateway gateway(limited(at(server), "second: 1000, minute: 1000, hour: 1000, day: 1000, year: 1000"));
  EXPECT_EQ(gateway.get("/").status, 200);
  server.cli({"CONFIG", "RESETSTAT"});
  constexpr int kRequests = 50;
  for (int i = 0; i < kRequests; ++i) {
    const Response response = gateway.get("/");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("x-ratelimit-remaining-year"), std::to_string(998 - i));
  }
  const std::string info = server.cli({"INFO", "commandstats"});
  EXPECT_NE(info.find("cmdstat_evalsha:calls=50,"), std::string::npos) << info;
  EXPECT_EQ(info.find("cmdstat_eval:"), std::string::npos) << info;
  // MGET, TIME and SET are the script's.
  EXPECT_NE(info.find("cmdstat_mget:calls=50,"), std::string::npos) << info;
  EXPECT_NE(info.find("cmdstat_set:calls=250,"), std::string::npos) << info;
}

TEST_F(RedisLimits, a_refused_request_counts_as_kongs_where_it_is_to) {
  RedisServer server;
  const std::string config = limited(at(server), "month: 2, year: 9, count_rejected: true");
  Gateway one(config), two(config);
  for (int i = 0; i < 3; ++i) one.get("/");
  const Response refused = two.get("/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("x-ratelimit-remaining-year"), "5");
  EXPECT_EQ(one.get("/").header("x-ratelimit-remaining-year"), "4");
}

TEST_F(RedisLimits, a_refused_request_writes_nothing) {
  RedisServer server;
  Gateway gateway(limited(at(server), "month: 2, year: 5"));
  for (int i = 0; i < 20; ++i) gateway.get("/");
  const Response refused = gateway.get("/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("x-ratelimit-remaining-year"), "3");
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_NE(server.cli({"INFO", "commandstats"}).find("cmdstat_set:calls=4,"), std::string::npos);
}

TEST_F(RedisLimits, gateways_share_the_quotas_that_answers_spend) {
  RedisServer server;
  HttpService service([](ServiceExchange& exchange) {
    exchange.respond(200, "left " + std::string(exchange.head().fields.get("x-ratelimit-remaining-video")),
                     "X-Kong-Limit: video=2, sms\r\n");
  });
  const std::string config =
      "redis: {" + at(server) + ", timeout: 20s}\nservices: [{name: main, url: \"" + service.url() +
      "\"}]\nroutes: [{path: \"/*\", service: main}]\n"
      "plugins: [{name: response-ratelimiting, config: {policy: redis, limits: {video: {year: 5}, sms: {year: 9}}}}]\n";
  Gateway one(config), two(config);
  EXPECT_EQ(one.get("/").body, "left 5");
  const Response second = two.get("/");
  EXPECT_EQ(second.body, "left 3");
  EXPECT_EQ(second.header("x-ratelimit-remaining-video-year"), "1");
  EXPECT_EQ(second.header("x-ratelimit-remaining-sms-year"), "7");
  const Response third = one.get("/");
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.header("x-ratelimit-remaining-sms-year"), "7") << "it took nothing";
  EXPECT_EQ(fallbacks(one), 0);
}

TEST_F(RedisLimits, parallel_answers_take_no_more_than_a_quota_has) {
  RedisServer server;
  HttpService service([](ServiceExchange& exchange) {
    exchange.pause(Millis(50));  // so that all have been told that there is enough
    exchange.respond(200, "ok", "X-Kong-Limit: video=3\r\n");
  });
  const auto all =
      gateways(2, "redis: {" + at(server) + ", timeout: 20s}\nservices: [{name: main, url: \"" + service.url() +
                      "\"}]\nroutes: [{path: \"/*\", service: main}]\n"
                      "plugins: [{name: response-ratelimiting, config: "
                      "{policy: redis, limits: {video: {year: 20}}}}]\n");
  EXPECT_EQ(passed(all, 40), 6);
}

TEST_F(RedisLimits, what_an_answer_costs_counts_for_all) {
  RedisServer server;
  HttpService service([](ServiceExchange& exchange) { exchange.respond(200, "ok", "X-Cost: 3\r\n"); });
  const std::string config =
      "redis: {" + at(server) + ", timeout: 20s}\nservices: [{name: main, url: \"" + service.url() +
      "\"}]\nroutes: [{path: \"/*\", service: main}]\n"
      "plugins: [{name: rate-limiting, config: {policy: redis, year: 9, cost_header: X-Cost}}]\n";
  Gateway one(config), two(config);
  const Response first = one.get("/");
  EXPECT_EQ(first.header("x-ratelimit-remaining-year"), "5");
  EXPECT_TRUE(first.header("x-cost").empty());
  // The second call is sent behind the answer; nothing else is on its connection in front of the next.
  const Deadline deadline;
  while (server.cli({"INFO", "commandstats"}).find("cmdstat_set:calls=2,") == std::string::npos && !deadline.passed()) {
  }
  EXPECT_EQ(two.get("/").header("x-ratelimit-remaining-year"), "1");
}

TEST_F(RedisLimits, without_an_answer_each_process_decides_until_there_is_one) {
  RedisServer server;
  Gateway gateway("workers: 1\n" + limited(at(server), "year: 10"));
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "9");
  server.kill();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), std::to_string(9 - i));
  EXPECT_EQ(gateway.get("/").status, 429) << "the same limit, by the process' own count";
  EXPECT_EQ(fallbacks(gateway), 11);
  server.start();
  const Deadline deadline;
  while (gateway.get("/").status != 200 && !deadline.passed()) {
  }
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "8") << "what was killed has forgotten";
  EXPECT_TRUE(gateway.process().wait_err("limits: the Redis answers again"));  // it is written behind the answer
  const std::string log = gateway.process().err();
  const auto times = [&](std::string_view text) {
    int count = 0;
    for (std::size_t found = 0; (found = log.find(text, found)) != std::string::npos; ++found) ++count;
    return count;
  };
  EXPECT_EQ(times("limits: the Redis does not answer"), 1) << log;
  EXPECT_EQ(times("limits: the Redis answers again"), 1) << log;
}

/// Requests to all gateways, on two connections each, until the end of its life. Each must be answered with 200.
class RedisLimits::Load {
 public:
  explicit Load(const std::vector<std::unique_ptr<Gateway>>& all)
      : all_(all), thread_([this] {
          flood(all_, [this](RawClient& client) {
            const Stopwatch watch;
            client.send(request("GET", "/"));
            EXPECT_EQ(client.read_response().status, 200);
            const std::int64_t took = std::chrono::duration_cast<Millis>(watch.elapsed()).count();
            for (std::int64_t worst = worst_; took > worst && !worst_.compare_exchange_weak(worst, took);) {
            }
            ++answered_;
            return !stop_;
          });
        }) {}
  ~Load() {
    stop_ = true;
    thread_.join();
    ::testing::Test::RecordProperty("answered", answered_);
    ::testing::Test::RecordProperty("worst_ms", static_cast<int>(worst_));
    EXPECT_LT(worst_, 10'000) << "it waited for the Redis";
  }

  /// Waits for so many more answers.
  bool more(int count) const {
    const int before = answered_;
    const Deadline deadline;
    while (answered_ < before + count && !deadline.passed()) std::this_thread::yield();
    return answered_ >= before + count;
  }
  /// Waits until the Redis has answered each gateway so often again.
  bool asks_again(int count) const {
    for (const auto& gateway : all_) {
      const auto asked = [&] { return gateway->metric("gatehouse_redis_commands_total", {"result=\"ok\""}); };
      const double before = asked();
      const Deadline deadline(kPatience * 2);
      while (asked() < before + count && !deadline.passed()) std::this_thread::sleep_for(Millis(5));
      if (asked() < before + count) return false;
    }
    return true;
  }

 private:
  const std::vector<std::unique_ptr<Gateway>>& all_;
  std::atomic<int> answered_{0};
  std::atomic<std::int64_t> worst_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_F(RedisLimits, a_redis_that_hangs_under_load_holds_nobody_up) {
  RedisServer server;
  const auto all = gateways(2, limited(at(server), "year: 1000000", "100ms"));
  const Load load(all);
  EXPECT_TRUE(load.more(100));
  server.process().signal(SIGSTOP);
  EXPECT_TRUE(load.more(200));
  EXPECT_GT(fallbacks(*all[0]), 0);
  server.process().signal(SIGCONT);
  EXPECT_TRUE(load.asks_again(50));
}

TEST_F(RedisLimits, a_redis_that_is_killed_under_load_loses_no_request) {
  RedisServer server;
  const auto all = gateways(2, limited(at(server), "year: 1000000", "100ms"));
  const Load load(all);
  EXPECT_TRUE(load.more(100));
  server.kill();
  EXPECT_TRUE(load.more(1000));
  EXPECT_GT(fallbacks(*all[0]), 0);
  server.start();
  EXPECT_TRUE(load.asks_again(50));
}

TEST_F(RedisLimits, a_redis_that_is_full_is_as_none_until_there_is_room) {
  RedisServer server;
  const auto all = gateways(2, limited(at(server), "year: 1000000"));
  const Load load(all);
  EXPECT_TRUE(load.asks_again(50));
  server.cli({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_TRUE(load.more(1000));
  EXPECT_GT(all[0]->metric("gatehouse_redis_commands_total", {"result=\"server_error\""}), 0);
  EXPECT_GT(fallbacks(*all[0]), 0);
  server.cli({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(load.asks_again(50));
}

TEST_F(RedisLimits, a_slow_redis_is_waited_for) {
  RedisServer server;
  const auto all = gateways(2, limited(at(server), "year: 1000000"));
  const Load load(all);
  EXPECT_TRUE(load.asks_again(50));
  for (int i = 0; i < 20; ++i) {
    server.cli({"CLIENT", "PAUSE", "40", "ALL"});
    EXPECT_TRUE(load.more(4));
  }
  EXPECT_EQ(fallbacks(*all[0]) + fallbacks(*all[1]), 0);
}

TEST_F(RedisLimits, a_failover_under_load_loses_no_request) {
  RedisSentinels servers;
  std::string names;
  for (const std::string& address : servers.addresses()) names += (names.empty() ? "\"" : ", \"") + address + "\"";
  const auto all = gateways(
      2, limited("sentinel: {master: " + std::string(RedisSentinels::kMaster) + ", addresses: [" + names + "]}",
                 "year: 1000000", "100ms"));
  const Load load(all);
  EXPECT_TRUE(load.asks_again(50));
  servers.master().kill();
  EXPECT_TRUE(load.more(100));
  EXPECT_TRUE(servers.replica().wait_cli({"ROLE"}, "master", Deadline(kPatience * 4)));
  EXPECT_TRUE(load.asks_again(50)) << "the new master";
  EXPECT_NE(servers.replica().cli({"DBSIZE"}), "0");
}

TEST_F(RedisLimits, not_fault_tolerant_is_500) {
  RedisServer server;
  Gateway gateway("workers: 1\n" + limited(at(server), "year: 10, fault_tolerant: false"));
  EXPECT_EQ(gateway.get("/").status, 200);
  server.kill();
  expect_refusal(gateway.get("/"), 500, "internal");
  EXPECT_EQ(gateway.metric(kFallbacks, {"result=\"error\""}), 1);
  server.start();
  const Deadline deadline;
  while (gateway.get("/").status != 200 && !deadline.passed()) {
  }
  EXPECT_EQ(gateway.get("/").status, 200);
}

TEST_F(RedisLimits, go_on_when_the_redis_is_emptied_and_forgets_the_script) {
  RedisServer server;
  Gateway gateway(limited(at(server), "year: 10"));
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "9");
  server.cli({"SCRIPT", "FLUSH"});
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "8");
  server.cli({"FLUSHALL"});
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "9");
  EXPECT_EQ(fallbacks(gateway), 0);
}

TEST_F(RedisLimits, a_wrong_password_is_as_no_redis) {
  RedisServer server({"requirepass right"});
  Gateway right(limited(at(server) + ", password: right", "year: 3")),
      wrong(limited(at(server) + ", password: not-this-one", "year: 3"));
  EXPECT_EQ(right.get("/").header("x-ratelimit-remaining-year"), "2");
  EXPECT_EQ(wrong.get("/").header("x-ratelimit-remaining-year"), "2");
  EXPECT_EQ(fallbacks(right), 0);
  EXPECT_EQ(fallbacks(wrong), 1);
  EXPECT_EQ(wrong.process().err().find("not-this-one"), std::string::npos) << "no secret in the log";
}

TEST_F(RedisLimits, a_cluster_counts_for_all) {
  RedisCluster cluster;
  ASSERT_TRUE(cluster.ready());
  std::string nodes;
  for (const std::string& address : cluster.addresses()) nodes += (nodes.empty() ? "\"" : ", \"") + address + "\"";
  const std::string config =
      limited("cluster: [" + nodes + "]", "month: 20, year: 30, limit_by: header, header_name: X-Account");
  Gateway one(config), two(config);
  // Accounts fall on all three nodes.
  for (int account = 0; account < 12; ++account) {
    const std::string field = "X-Account: " + std::to_string(account) + "\r\n";
    EXPECT_EQ(one.get("/", field).header("x-ratelimit-remaining-year"), "29");
    EXPECT_EQ(two.get("/", field).header("x-ratelimit-remaining-month"), "18");
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NE(cluster.node(i).cli({"DBSIZE"}), "0") << "node " << i;
  EXPECT_EQ(fallbacks(one) + fallbacks(two), 0);
}

/// What the one count in the Redis says was taken.
std::string taken(const RedisServer& server) {
  const std::string kept = server.cli({"GET", server.cli({"KEYS", "*"})});
  const std::size_t from = kept.find(' ') + 1;
  return kept.substr(from, kept.find(' ', from) - from);
}

TEST_F(RedisLimits, with_a_sync_rate_exceed_the_limit_by_no_more_than_what_each_lets_pass_in_it) {
  RedisServer server;
  const auto all = gateways(4, limited(at(server), "year: 20, sync_rate: 3600"));
  int passed = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    int own = 0;
    for (int j = 0; j < 25; ++j) own += all[i]->get("/").status == 200;
    // Its first request asks and sees one request of each gateway before it; nobody sees what others let pass then.
    EXPECT_EQ(own, 20 - static_cast<int>(i));
    passed += own;
  }
  EXPECT_EQ(passed, 74);
  EXPECT_NE(server.cli({"INFO", "commandstats"}).find("cmdstat_mget:calls=4,"), std::string::npos) << "each asked once";
  EXPECT_EQ(taken(server), "4");
  for (const auto& gateway : all) ASSERT_TRUE(gateway->reload(limited(at(server), "year: 20, sync_rate: 0.02")));
  const Deadline deadline;
  while (taken(server) != "74" && !deadline.passed()) {
    for (const auto& gateway : all) EXPECT_EQ(gateway->get("/").status, 429);
  }
  EXPECT_EQ(taken(server), "74") << "what is owed comes with the next question";
}

TEST_F(RedisLimits, with_a_sync_rate_lose_nothing_under_load) {
  RedisServer server;
  const auto all = gateways(4, limited(at(server), "year: 300, sync_rate: 0.05"));
  int good = passed(all, 2000);
  EXPECT_GE(good, 300);
  const Deadline deadline;
  while (taken(server) != std::to_string(good) && !deadline.passed()) {
    // One that had little to do may still let pass what it does not know to be taken.
    for (const auto& gateway : all) good += gateway->get("/").status == 200;
  }
  EXPECT_EQ(taken(server), std::to_string(good));
  EXPECT_LE(good, 4 * 300);
}

TEST_F(RedisLimits, with_a_sync_rate_go_on_without_an_answer_and_owe_the_rest) {
  RedisServer server;
  Gateway gateway("workers: 1\n" + limited(at(server), "year: 1000000, sync_rate: 0.02"));
  EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), "999999");
  server.kill();
  const Deadline deadline;
  int count = 1;
  for (; fallbacks(gateway) < 3 && !deadline.passed(); ++count) {
    EXPECT_EQ(gateway.get("/").header("x-ratelimit-remaining-year"), std::to_string(999'999 - count));
  }
  EXPECT_GE(fallbacks(gateway), 3);
  server.start();
  while (server.cli({"DBSIZE"}) == "0" && !deadline.passed()) {
    gateway.get("/");
    ++count;
  }
  // It has come back without what was counted there; all that was owed since came with the first question.
  EXPECT_EQ(taken(server), std::to_string(count - 1));
}

TEST_F(RedisLimits, a_namespace_parts_what_shares_a_redis) {
  RedisServer server;
  Gateway one(limited(at(server), "year: 3")), two(limited(at(server), "year: 3, namespace: other"));
  EXPECT_EQ(one.get("/").header("x-ratelimit-remaining-year"), "2");
  EXPECT_EQ(two.get("/").header("x-ratelimit-remaining-year"), "2");
  const std::string keys = server.cli({"KEYS", "*"});
  EXPECT_NE(keys.find("gh:{"), std::string::npos) << keys;
  EXPECT_NE(keys.find("other:{"), std::string::npos) << keys;
  EXPECT_NE(keys.find("}:year"), std::string::npos) << keys;
}

}  // namespace
}  // namespace gatehouse::test
