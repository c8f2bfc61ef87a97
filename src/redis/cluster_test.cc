#include "redis/client_test.h"

namespace gatehouse::redis {
namespace {

using namespace test;
using gatehouse::test::RedisCluster;
using testing::HasSubstr;
using testing::StartsWith;

/// A cluster for all tests: making one takes seconds.
class RedisClusterTest : public ClientTest {
 protected:
  static void SetUpTestSuite() {
    if (RedisServer::installed()) cluster_ = std::make_unique<RedisCluster>();
  }
  static void TearDownTestSuite() { cluster_.reset(); }
  void SetUp() override {
    ClientTest::SetUp();
    if (!RedisServer::installed()) return;
    ASSERT_TRUE(cluster_->ready());
    Options made;
    made.seeds = {address_of(cluster_->node(0))};
    made.timeout = kLong;
    use(made);
  }
  /// A key whose slot is node `index`'s.
  static std::string key_of(std::size_t index) {
    for (int i = 0;; ++i) {
      const std::string key = "key" + std::to_string(i);
      if (slot_of(key) * 3 / kSlots == index) return key;
    }
  }
  /// Gives the slot of `key` from one node to another, up to the point where it is in between.
  static void begin_to_move(const std::string& key, std::size_t from, std::size_t to) {
    const std::string slot = std::to_string(slot_of(key));
    EXPECT_EQ(cluster_->node(to).cli({"CLUSTER", "SETSLOT", slot, "IMPORTING", cluster_->id(from)}), "OK");
    EXPECT_EQ(cluster_->node(from).cli({"CLUSTER", "SETSLOT", slot, "MIGRATING", cluster_->id(to)}), "OK");
  }
  static void finish_move(const std::string& key, std::size_t to) {
    const std::string slot = std::to_string(slot_of(key));
    for (const std::size_t node : {to, (to + 1) % 3, (to + 2) % 3}) {
      EXPECT_EQ(cluster_->node(node).cli({"CLUSTER", "SETSLOT", slot, "NODE", cluster_->id(to)}), "OK");
    }
  }

  static inline std::unique_ptr<RedisCluster> cluster_;
};

TEST_F(RedisClusterTest, each_key_goes_to_its_node) {
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(cluster_->owner(key_of(i)), i);
    EXPECT_EQ(ask({"SET", key_of(i), std::to_string(i)}), "OK");
    EXPECT_EQ(cluster_->node(i).cli({"GET", key_of(i)}), std::to_string(i));
  }
  EXPECT_EQ(ask({"PING"}), "PONG") << "without a key";
  EXPECT_EQ(count("server_error"), 0U);
  EXPECT_EQ(client_->counters().opened, 3U) << "one connection a node";
}

TEST_F(RedisClusterTest, many_keys_at_once_get_each_its_own_answer) {
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<const Call*> all;
  for (int i = 0; i < 300; ++i) {
    calls.push_back(call({"SET", "many" + std::to_string(i), std::to_string(i)}));
    calls.push_back(call({"GET", "many" + std::to_string(i)}));
  }
  for (const auto& each : calls) all.push_back(each.get());
  ASSERT_TRUE(finish(all));
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(all[2 * i + 1]->text(), std::to_string(i));
}

TEST_F(RedisClusterTest, the_keys_of_a_script_are_in_one_slot) {
  const RedisScript script = make_script("redis.call('SET', KEYS[1], ARGV[1]); return redis.call('GET', KEYS[2])");
  EXPECT_EQ(eval(script, {"{a}1", "{a}1"}, {"x"}), "x");
  EXPECT_EQ(eval(script, {"{a}1", "{a}2"}, {"x"}), "(nil)");
  EXPECT_THAT(eval(script, {key_of(0), key_of(1)}, {"x"}), StartsWith("server: CROSSSLOT"));
}

TEST_F(RedisClusterTest, a_slot_on_the_move_is_asked_for_and_then_followed) {
  const std::string key = key_of(1);
  ASSERT_EQ(ask({"SET", key, "here"}), "OK");
  begin_to_move(key, 1, 2);
  EXPECT_EQ(ask({"GET", key}), "here") << "it is still there";
  const std::string port = std::to_string(cluster_->node(2).port());
  ASSERT_EQ(cluster_->node(1).cli({"MIGRATE", "127.0.0.1", port, key, "0", "5000"}), "OK");
  EXPECT_EQ(ask({"GET", key}), "here") << "ASK";
  EXPECT_EQ(ask({"SET", key, "there"}), "OK");
  finish_move(key, 2);
  EXPECT_EQ(ask({"GET", key}), "there") << "MOVED";
  ASSERT_TRUE(until_true([&] {
    const std::uint64_t errors = count("server_error");
    return ask({"GET", key}) == "there" && count("server_error") == errors;
  })) << "from then on it is known";
  // Back, for the other tests.
  begin_to_move(key, 2, 1);
  const std::string home = std::to_string(cluster_->node(1).port());
  ASSERT_EQ(cluster_->node(2).cli({"MIGRATE", "127.0.0.1", home, key, "0", "5000"}), "OK");
  finish_move(key, 1);
  EXPECT_EQ(ask({"GET", key}), "there");
}

TEST_F(RedisClusterTest, a_node_that_is_down_leaves_the_others_alone) {
  for (std::size_t i = 0; i < 3; ++i) ASSERT_EQ(ask({"SET", key_of(i), "x"}), "OK");
  cluster_->node(2).kill();
  EXPECT_TRUE(until_true([&] { return ask({"GET", key_of(2)}).starts_with("unavailable"); }));
  EXPECT_EQ(ask({"GET", key_of(0)}), "x");
  EXPECT_EQ(ask({"GET", key_of(1)}), "x");
  cluster_->node(2).start();
  EXPECT_TRUE(until_true([&] { return ask({"SET", key_of(2), "y"}) == "OK"; }));
}

TEST_F(RedisClusterTest, seeds_that_are_no_cluster_say_so) {
  const RedisServer alone;
  Options made;
  made.seeds = {address_of(alone)};
  made.timeout = kLong;
  client_->close();
  use(made);
  EXPECT_THAT(ask({"GET", "a"}), HasSubstr("unavailable: ERR This instance has cluster support disabled"));
  EXPECT_THAT(call({"GET", "a"})->text(), StartsWith("unavailable")) << "at once";
}

TEST_F(RedisClusterTest, one_good_seed_is_enough) {
  Options made;
  made.seeds = {{"127.0.0.1", gatehouse::test::free_port()}, address_of(cluster_->node(1))};
  made.timeout = kLong;
  client_->close();
  use(made);
  EXPECT_EQ(ask({"SET", key_of(0), "x"}), "OK");
}

}  // namespace
}  // namespace gatehouse::redis
