#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loader.h"
#include "config/node.h"

namespace gatehouse::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Loaded load(const std::string& redis) {
  return load_text(
      {.name = "t.yaml",
       .text =
           "listeners: [{address: \"127.0.0.1:8080\"}]\nroutes: [{path: /, respond: {status: 204}}]\n" + redis + "\n"},
      {});
}

std::string faults(const std::string& redis) {
  return load(redis).diagnostics.text();
}

TEST(ConfigRedis, an_address_is_enough) {
  const Loaded loaded = load("redis: {address: \"127.0.0.1:6379\"}");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  ASSERT_TRUE(loaded.model.redis);
  EXPECT_EQ(loaded.model.redis->address->text(), "127.0.0.1:6379");
  EXPECT_EQ(loaded.model.redis->timeout, std::chrono::milliseconds(100));
  EXPECT_FALSE(loaded.model.redis->tls);
  EXPECT_EQ(load("redis: {address: \"redis.internal:6379\"}").model.redis->address->kind, Address::Kind::name);
  EXPECT_EQ(load("redis: {address: \"unix:/run/redis.sock\"}").model.redis->address->text(), "unix:/run/redis.sock");
  EXPECT_FALSE(load("").model.redis);
}

TEST(ConfigRedis, all_of_it_is_read) {
  const Loaded loaded = load(R"(redis:
  sentinel: {master: main, addresses: ["10.0.0.1:26379", "s2.internal:26379"], username: watcher, password: s1}
  username: gatehouse
  password: s2
  database: 5
  timeout: 250ms
  tls: {verify: true, sni: redis.internal, ca: ca.pem, cert: c.pem, key: c.key})");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  const Redis& redis = *loaded.model.redis;
  EXPECT_EQ(redis.sentinel->master, "main");
  ASSERT_EQ(redis.sentinel->addresses.size(), 2U);
  EXPECT_EQ(redis.sentinel->addresses[1].text(), "s2.internal:26379");
  EXPECT_EQ(redis.sentinel->username, "watcher");
  EXPECT_EQ(redis.sentinel->password.value, "s1");
  EXPECT_EQ(redis.username, "gatehouse");
  EXPECT_EQ(redis.password.value, "s2");
  EXPECT_EQ(redis.database, 5U);
  EXPECT_EQ(redis.timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(redis.tls->sni, "redis.internal");
  EXPECT_EQ(load("redis: {cluster: [\"10.0.0.1:7000\", \"10.0.0.2:7000\"]}").model.redis->cluster.size(), 2U);
}

TEST(ConfigRedis, what_makes_no_sense_is_refused_with_its_place) {
  EXPECT_THAT(faults("redis: {}"),
              HasSubstr("t.yaml:3:8: redis: needs one of \"address\", \"sentinel\" and \"cluster\""));
  EXPECT_THAT(faults("redis: {address: \"a:1\", cluster: [\"b:1\"]}"), HasSubstr("must have only one of"));
  EXPECT_THAT(faults("redis: {address: \"127.0.0.1\"}"), HasSubstr("redis.address: must be an address such as"));
  EXPECT_THAT(faults("redis: {cluster: []}"), HasSubstr("redis.cluster"));
  EXPECT_THAT(faults("redis: {cluster: [\"a:1\"], database: 1}"), HasSubstr("has no \"database\" but 0"));
  EXPECT_THAT(faults("redis: {cluster: [\"unix:/a\"]}"), HasSubstr("cannot reach a cluster by a Unix socket"));
  EXPECT_THAT(faults("redis: {address: \"a:1\", username: x}"), HasSubstr("needs a \"password\" for the \"username\""));
  EXPECT_THAT(faults("redis: {address: \"unix:/a\", tls: {}}"), HasSubstr("a Unix socket has no name"));
  EXPECT_THAT(faults("redis: {sentinel: {addresses: [\"a:1\"]}}"), HasSubstr("redis.sentinel"));
  EXPECT_THAT(faults("redis: {address: \"a:1\", timeout: 0}"), HasSubstr("redis.timeout"));
  EXPECT_THAT(faults("redis: {address: \"a:1\", tls: {cert: c.pem}}"), HasSubstr("redis.tls: needs both"));
  EXPECT_THAT(faults("redis: {adress: \"a:1\"}"), HasSubstr("did you mean \"address\""));
}

TEST(ConfigRedis, its_secrets_are_not_printed) {
  const Loaded loaded =
      load("redis: {sentinel: {master: m, addresses: [\"a:1\"], password: sesame1}, username: u, password: sesame2}");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  for (const std::string& printed : {print_effective(loaded, {}), print_effective_json(loaded, {})}) {
    EXPECT_THAT(printed, Not(HasSubstr("sesame")));
    EXPECT_THAT(printed, HasSubstr("***"));
    EXPECT_THAT(printed, HasSubstr("100ms"));
  }
}

}  // namespace
}  // namespace gatehouse::config
