#include "redis/client_test.h"
#include "support/scripted_peer.h"

namespace gatehouse::redis {
namespace {

using namespace test;
using gatehouse::test::RedisSentinels;
using gatehouse::test::ScriptedPeer;
namespace step = gatehouse::test::step;
using testing::HasSubstr;
using testing::StartsWith;

class RedisSentinel : public ClientTest {
 protected:
  Options options(const std::vector<std::unique_ptr<RedisServer>>& sentinels) {
    Options made;
    made.master = RedisSentinels::kMaster;
    for (const auto& each : sentinels) made.sentinels.push_back(address_of(*each));
    made.timeout = kLong;
    return made;
  }
};

TEST_F(RedisSentinel, names_the_master_and_the_next_one_after_a_failover) {
  RedisSentinels all;
  use(options(all.sentinels()));
  ASSERT_EQ(ask({"SET", "a", "1"}), "OK");
  EXPECT_EQ(all.master().cli({"GET", "a"}), "1");
  ASSERT_TRUE(all.replica().wait_cli({"GET", "a"}, "1"));
  all.master().kill();
  EXPECT_TRUE(until_true([&] { return ask({"SET", "a", "2"}) == "OK"; }));
  EXPECT_EQ(all.replica().cli({"GET", "a"}), "2");
  EXPECT_GE(count("unavailable"), 1U);
}

TEST_F(RedisSentinel, one_that_is_dead_is_passed_over) {
  const RedisServer master;
  const std::string monitor = "sentinel monitor themaster 127.0.0.1 " + std::to_string(master.port()) + " 1";
  std::vector<std::unique_ptr<RedisServer>> sentinels;
  for (int i = 0; i < 2; ++i) {
    sentinels.push_back(std::make_unique<RedisServer>(std::vector<std::string>{monitor}, true));
  }
  const Options made = options(sentinels);
  sentinels[0]->kill();
  use(made);
  EXPECT_EQ(ask({"PING"}), "PONG");
  sentinels[1]->kill();
  EXPECT_EQ(ask({"PING"}), "PONG") << "nobody is asked while the connection stands";
  client_->close();
  use(made);
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: sentinel 127.0.0.1:"));
}

TEST_F(RedisSentinel, has_a_password_of_its_own) {
  const RedisServer master({"requirepass of-servers"});
  const RedisServer sentinel(
      {"requirepass of-sentinels", "sentinel monitor themaster 127.0.0.1 " + std::to_string(master.port()) + " 1"},
      true);
  Options made;
  made.master = RedisSentinels::kMaster;
  made.sentinels = {address_of(sentinel)};
  made.timeout = kLong;
  made.password = "of-servers";
  use(made);
  EXPECT_THAT(ask({"PING"}), HasSubstr("NOAUTH"));
  client_->close();
  made.sentinel_password = "of-sentinels";
  use(made);
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST_F(RedisSentinel, that_does_not_know_the_name_says_so) {
  std::vector<std::unique_ptr<RedisServer>> sentinels;
  sentinels.push_back(std::make_unique<RedisServer>(std::vector<std::string>{}, true));
  use(options(sentinels));
  EXPECT_THAT(ask({"PING"}), HasSubstr("it knows no master of that name"));
}

TEST_F(RedisSentinel, that_names_a_replica_is_not_believed) {
  const RedisServer master;
  const RedisServer replica({"replicaof 127.0.0.1 " + std::to_string(master.port())});
  const std::string port = std::to_string(replica.port());
  ScriptedPeer sentinel(
      {{step::expect("themaster\r\n"),
        step::send("*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(port.size()) + "\r\n" + port + "\r\n"),
        step::hang()}});
  Options made;
  made.master = "themaster";
  made.sentinels = {{"127.0.0.1", sentinel.port()}};
  made.timeout = kLong;
  use(made);
  EXPECT_EQ(ask({"PING"}), "unavailable: the sentinels name it, but it is no master");
}

TEST_F(RedisSentinel, answers_of_no_sense_are_refused) {
  for (const char* answer : {"+OK\r\n", "*1\r\n$1\r\na\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n:1\r\n:2\r\n",
                             "*2\r\n$1\r\na\r\n$5\r\n70000\r\n", "*2\r\n$1\r\na\r\n$1\r\n0\r\n"}) {
    ScriptedPeer sentinel({{step::expect("themaster\r\n"), step::send(answer), step::hang()}});
    Options made;
    made.master = "themaster";
    made.sentinels = {{"127.0.0.1", sentinel.port()}};
    made.timeout = kLong;
    use(made);
    EXPECT_THAT(ask({"PING"}), HasSubstr("it does not say who is the master")) << answer;
    client_->close();
    turns(2);
  }
}

}  // namespace
}  // namespace gatehouse::redis
