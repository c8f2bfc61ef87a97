#include <atomic>
#include <ctime>
#include <thread>

#include "e2e/fixtures.h"
#include "support/jwt.h"
#include "support/redis_server.h"

// Keys that are issued and revoked in a Redis, and tokens that are revoked there, while nothing is reloaded.
namespace gatehouse::test {
namespace {

constexpr const char* kSecret = "a-secret-of-at-least-thirty-two-bytes";

class RedisKeys : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "there is no redis-server here";
    redis_.emplace();
  }

  /// Its timeout is long: a busy machine is no failure here.
  std::string redis() const { return "redis: {address: \"" + redis_->address() + "\", timeout: 5s}\n"; }
  std::string with(const std::string& plugin, const std::string& more = "") const {
    return redis() + "plugins: [{name: " + plugin + "}]\n" + more +
           "routes: [{name: all, path: \"/*\", respond: {status: 200}}]\n";
  }
  std::string name(const std::string& key) const {
    return "gatehouse:key:" +
           run_program({"sh", "-c", "printf %s '" + key + "' | sha256sum | cut -c1-64 | tr -d '\\n'"}).out;
  }
  void issue(const std::string& key, std::vector<std::string> fields) const {
    std::vector<std::string> command{"HSET", name(key)};
    command.insert(command.end(), fields.begin(), fields.end());
    ASSERT_EQ(redis_->cli(command), std::to_string(fields.size() / 2));
  }
  void revoke(const std::string& key) const { ASSERT_EQ(redis_->cli({"DEL", name(key)}), "1"); }

  static Response ask(const Gateway& gateway, const std::string& key) {
    return gateway.get("/", "X-API-Key: " + key + "\r\n");
  }
  static Response ask_token(const Gateway& gateway, const std::string& token) {
    return gateway.get("/", "Authorization: Bearer " + token + "\r\n");
  }
  /// Asks until the answer has `status`, as long as must be enough; gives the last one.
  static int wait(Gateway& gateway, int status, const std::function<Response()>& send) {
    const Deadline deadline(kPatience * 4);
    int got = send().status;
    while (got != status && !deadline.passed()) {
      gateway.process().pause(Millis(50));
      got = send().status;
    }
    return got;
  }

  std::optional<RedisServer> redis_;
};

TEST_F(RedisKeys, work_as_soon_as_they_are_issued_and_until_they_are_revoked) {
  Gateway gateway(with("key-auth, config: {redis: true, cache_duration: 1s}"));
  issue("first", {"username", "eve", "created_by", "somebody"});
  EXPECT_EQ(ask(gateway, "first").status, 200) << "at once";
  EXPECT_EQ(ask(gateway, "second").status, 401);
  issue("second", {"username", "ada"});
  EXPECT_EQ(wait(gateway, 200, [&] { return ask(gateway, "second"); }), 200);
  revoke("first");
  EXPECT_EQ(wait(gateway, 401, [&] { return ask(gateway, "first"); }), 401);
  EXPECT_EQ(ask(gateway, "second").status, 200);
  issue("first", {"username", "eve"});
  redis_->cli({"PEXPIRE", name("first"), "50"});
  EXPECT_TRUE(redis_->wait_cli({"EXISTS", name("first")}, "0"));
  EXPECT_EQ(wait(gateway, 401, [&] { return ask(gateway, "first"); }), 401) << "a key that ends by itself";
}

TEST_F(RedisKeys, tell_services_and_the_log_who_calls) {
  EchoService echo;
  Gateway gateway(redis() +
                  "plugins: [{name: key-auth, config: {redis: true}}]\nconsumers: [{username: ada, custom_id: A, "
                  "plugins: [{name: request-termination, config: {status_code: 418}}]}]\n" +
                  forward_all(echo.url()));
  issue("of-eve", {"username", "eve", "custom_id", "E7", "groups", "staff,admin", "credential_id", "first"});
  issue("of-ada", {"username", "ada"});
  const Response response = ask(gateway, "of-eve");
  ASSERT_EQ(response.status, 200);
  const Echo seen(response.body);
  EXPECT_EQ(seen.fields.get("x-consumer-username"), "eve");
  EXPECT_EQ(seen.fields.get("x-consumer-custom-id"), "E7");
  EXPECT_EQ(seen.fields.get("x-consumer-groups"), "staff, admin");
  EXPECT_EQ(seen.fields.get("x-credential-identifier"), "first");
  EXPECT_EQ(seen.fields.get("x-api-key"), "");
  EXPECT_EQ(ask(gateway, "of-ada").status, 418) << "a consumer of the configuration has its own plugins";
  std::string logged;  // in no order: each worker writes its own lines
  for (const std::string& line : gateway.access_log(2)) logged += line;
  EXPECT_NE(logged.find("\"consumer\":\"eve\""), std::string::npos) << logged;
  EXPECT_NE(logged.find("\"consumer\":\"ada\""), std::string::npos) << logged;
  EXPECT_EQ(redis_->cli({"KEYS", "*of-*"}), "") << "keys themselves never go there";
}

TEST_F(RedisKeys, have_tiers_rates_and_services) {
  Gateway gateway(
      redis() +
      "plugins: [{name: key-auth, config: {redis: true}}]\ntiers: {small: {limits: {year: 3}}}\n"
      "services: [{name: a, url: \"http://127.0.0.1:1\"}, {name: b, url: \"http://127.0.0.1:1\"}]\n"
      "routes:\n  - {path: /, respond: {status: 200}}\n  - {path: /a, service: a}\n  - {path: /b, service: b}\n");
  issue("one", {"username", "eve", "tier", "small"});
  issue("two", {"username", "eve", "tier", "small"});
  issue("own", {"username", "eve", "tier", "small", "rate_limit", "5/year"});
  const auto passed = [&](const std::string& key) {
    int good = 0;
    for (int i = 0; i < 10; ++i) good += ask(gateway, key).status == 200;
    return good;
  };
  EXPECT_EQ(passed("one") + passed("two"), 3) << "a tier's limits hold for the consumer";
  EXPECT_EQ(passed("own"), 5);
  issue("for-a", {"username", "bob", "services", "a"});
  const std::string field = "X-API-Key: for-a\r\n";
  EXPECT_EQ(gateway.get("/a", field).status, 502) << "where nobody listens";
  EXPECT_EQ(gateway.get("/b", field).status, 403);
  issue("bad", {"username", "bob", "tier", "none such"});
  EXPECT_EQ(ask(gateway, "bad").status, 401);
}

TEST_F(RedisKeys, that_are_remembered_go_on_while_the_redis_is_gone) {
  Gateway gateway("workers: 1\n" +
                  with("key-auth, config: {redis: true, cache_duration: 1h}",
                       "consumers: [{username: ada, credentials: [{type: key-auth, key: of-ada}]}]\n"));
  issue("first", {"username", "eve"});
  EXPECT_EQ(ask(gateway, "first").status, 200);
  redis_->kill();
  EXPECT_EQ(ask(gateway, "first").status, 200);
  EXPECT_EQ(ask(gateway, "of-ada").status, 200) << "a key of the configuration";
  const Response lost = ask(gateway, "second");
  EXPECT_EQ(lost.status, 503) << lost.describe();
  EXPECT_EQ(lost.header("www-authenticate"), "");
  redis_->start();
  issue("second", {"username", "eve"});
  EXPECT_EQ(wait(gateway, 200, [&] { return ask(gateway, "second"); }), 200);
  EXPECT_EQ(ask(gateway, "third").status, 401);
}

TEST_F(RedisKeys, come_and_go_under_load_without_a_wrong_answer) {
  Gateway gateway("workers: 2\n" + with("key-auth, config: {redis: true, cache_duration: 0}"));
  issue("always", {"username", "eve"});
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0}, asked{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      const std::string key = i % 2 == 0 ? "always" : "never";
      RawClient client = gateway.connect();
      while (!over) {
        client.send(request("GET", "/", "X-API-Key: " + key + "\r\n"));
        wrong += client.read_response().status != (i % 2 == 0 ? 200 : 401);
        ++asked;
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const std::string key = "key" + std::to_string(i);
    issue(key, {"username", "ada"});
    EXPECT_EQ(ask(gateway, key).status, 200);
    revoke(key);
    EXPECT_EQ(ask(gateway, key).status, 401) << "nothing is remembered";
  }
  over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(asked, 0);
}

TEST_F(RedisKeys, are_issued_by_the_command_that_credential_new_prints) {
  Gateway gateway(with("key-auth, config: {redis: true}"));
  const std::string out = run_gatehouse({"credential", "new", "--username", "o'hara", "--redis"}).out;
  const std::string key = out.substr(5, out.find('\n') - 5);
  const std::size_t command = out.find("redis-cli HSET gatehouse:key:");
  ASSERT_NE(command, std::string::npos) << out;
  EXPECT_EQ(run_program({"sh", "-c", "redis-cli -s " + redis_->unix_path() + out.substr(command + 9)}).out, "1\n");
  EXPECT_EQ(ask(gateway, key).status, 200);
  EXPECT_NE(gateway.access_log(1)[0].find("\"consumer\":\"o'hara\""), std::string::npos);
  const std::string json = run_gatehouse({"credential", "new", "--redis", "--format", "json"}).out;
  EXPECT_NE(json.find("\"HSET\""), std::string::npos) << json;
}

TEST_F(RedisKeys, need_a_redis) {
  Gateway gateway("routes: [{name: all, path: \"/*\", respond: {status: 200}}]\n");
  EXPECT_FALSE(
      gateway.reload("plugins: [{name: key-auth, config: {redis: true}}]\n"
                     "routes: [{name: all, path: \"/*\", respond: {status: 200}}]\n"));
  EXPECT_EQ(gateway.get("/").status, 200);
}

// ---- tokens ----

std::string token(const std::string& claims) {
  return jwt(SigningKey::secret(kSecret), "HS256", R"({"iss":"shop",)" + claims + "}");
}
std::string consumer_of_tokens() {
  return "consumers: [{username: shop, credentials: [{type: jwt, key: shop, secret: \"" + std::string(kSecret) +
         "\"}]}]\n";
}

TEST_F(RedisKeys, tokens_are_revoked_one_by_one_and_by_their_subject) {
  Gateway gateway(with("jwt, config: {revoked_in_redis: true, cache_duration: 1s}", consumer_of_tokens()));
  const std::string now = std::to_string(std::time(nullptr)), later = std::to_string(std::time(nullptr) + 3600);
  const std::string one = token(R"("jti":"1","sub":"ada","iat":)" + now);
  const std::string two = token(R"("jti":"2","sub":"ada","iat":)" + now);
  EXPECT_EQ(ask_token(gateway, one).status, 200);
  EXPECT_EQ(ask_token(gateway, two).status, 200);
  ASSERT_EQ(redis_->cli({"SET", "gatehouse:{revoked}:jti:1", "1"}), "OK");
  EXPECT_EQ(wait(gateway, 401, [&] { return ask_token(gateway, one); }), 401);
  EXPECT_EQ(ask_token(gateway, two).status, 200);
  ASSERT_EQ(redis_->cli({"SET", "gatehouse:{revoked}:sub:ada", later}), "OK");
  EXPECT_EQ(wait(gateway, 401, [&] { return ask_token(gateway, two); }), 401);
  ASSERT_EQ(redis_->cli({"DEL", "gatehouse:{revoked}:sub:ada"}), "1");
  EXPECT_EQ(ask_token(gateway, two).status, 200) << "a refusal is not remembered";
}

TEST_F(RedisKeys, tokens_are_refused_or_pass_while_the_redis_is_gone) {
  const std::string jti = token(R"("jti":"1")"), other = token(R"("jti":"2")"), nameless = token(R"("a":1)");
  Gateway strict("workers: 1\n" +
                 with("jwt, config: {revoked_in_redis: true, cache_duration: 1h}", consumer_of_tokens()));
  Gateway tolerant("workers: 1\n" +
                   with("jwt, config: {revoked_in_redis: true, fault_tolerant: true}", consumer_of_tokens()));
  EXPECT_EQ(ask_token(strict, jti).status, 200);
  redis_->kill();
  EXPECT_EQ(ask_token(strict, jti).status, 200) << "it is remembered";
  EXPECT_EQ(ask_token(strict, other).status, 503);
  EXPECT_EQ(ask_token(strict, nameless).status, 200) << "it could not be revoked";
  EXPECT_EQ(ask_token(tolerant, other).status, 200);
  redis_->start();
  ASSERT_EQ(redis_->cli({"SET", "gatehouse:{revoked}:jti:2", "1"}), "OK");
  for (Gateway* gateway : {&strict, &tolerant})
    EXPECT_EQ(wait(*gateway, 401, [&] { return ask_token(*gateway, other); }), 401);
}

TEST(RedisClusterKeys, keys_and_revocations_are_found_in_a_cluster) {
  if (!RedisServer::installed()) GTEST_SKIP() << "there is no redis-server here";
  RedisCluster cluster;
  if (!cluster.ready()) GTEST_SKIP() << "no cluster could be made";
  std::string seeds;
  for (const std::string& address : cluster.addresses()) seeds += "\"" + address + "\", ";
  Gateway gateway(
      "redis: {timeout: 5s, cluster: [" + seeds + "]}\n" + consumer_of_tokens() +
      "routes:\n  - {path: /keys, respond: {status: 200}, plugins: [{name: key-auth, config: {redis: true}}]}\n"
      "  - {path: /tokens, respond: {status: 200}, plugins: [{name: jwt, config: {revoked_in_redis: true}}]}\n");
  for (int i = 0; i < 8; ++i) {
    const std::string key = "key" + std::to_string(i);
    const std::string name =
        "gatehouse:key:" +
        run_program({"sh", "-c", "printf %s " + key + " | sha256sum | cut -c1-64 | tr -d '\\n'"}).out;
    ASSERT_EQ(cluster.node(cluster.owner(name)).cli({"HSET", name, "username", "eve"}), "1");
    EXPECT_EQ(gateway.get("/keys", "X-API-Key: " + key + "\r\n").status, 200);
  }
  const std::string revoked = "gatehouse:{revoked}:jti:1";
  ASSERT_EQ(cluster.node(cluster.owner(revoked)).cli({"SET", revoked, "1"}), "OK");
  EXPECT_EQ(gateway.get("/tokens", "Authorization: Bearer " + token(R"("jti":"1","sub":"a")") + "\r\n").status, 401);
  EXPECT_EQ(gateway.get("/tokens", "Authorization: Bearer " + token(R"("jti":"2","sub":"a")") + "\r\n").status, 200);
}

}  // namespace
}  // namespace gatehouse::test
