#include "redis/client_test.h"

#include <signal.h>

#include "support/scripted_peer.h"

namespace gatehouse::redis {
namespace {

using namespace test;
using gatehouse::test::ScriptedPeer;
namespace step = gatehouse::test::step;
using testing::HasSubstr;
using testing::StartsWith;

class Redis : public ClientTest {};

TEST_F(Redis, answers_values_of_every_kind) {
  const RedisServer server;
  use(server);
  EXPECT_EQ(ask({"PING"}), "PONG");
  EXPECT_EQ(ask({"SET", "a", std::string("x\r\n\0y", 5)}), "OK");
  EXPECT_EQ(ask({"GET", "a"}), std::string("x\r\n\0y", 5));
  EXPECT_EQ(ask({"GET", "b"}), "(nil)");
  EXPECT_EQ(ask({"INCRBY", "n", "-7"}), "(integer) -7");
  EXPECT_EQ(ask({"SET", "empty", ""}), "OK");
  EXPECT_EQ(ask({"GET", "empty"}), "");
  EXPECT_EQ(ask({"EVAL", "return {1, {'two', false}, {}, redis.error_reply('E three')}", "0"}),
            "[(integer) 1, [two, (nil)], [], error: E three]");
  EXPECT_EQ(ask({"INCR", "a"}), "server: ERR value is not an integer or out of range");
  EXPECT_EQ(count("ok"), 8U);
  EXPECT_EQ(count("server_error"), 1U);
  EXPECT_EQ(client_->counters().connected, 1U);
  EXPECT_EQ(client_->counters().opened, 1U);
}

TEST_F(Redis, is_reached_by_unix_socket_and_by_name) {
  const RedisServer server;
  Options options;
  options.timeout = kLong;
  options.address = {server.unix_path(), 0};
  use(options);
  EXPECT_EQ(ask({"PING"}), "PONG");
  client_->close();
  options.address = {"localhost", server.port()};
  use(options);
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST_F(Redis, a_thousand_interleaved_commands_get_each_its_own_answer_in_order) {
  const RedisServer server;
  use(server);
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<const Call*> all;
  for (int i = 0; i < 1000; ++i) {
    if (i % 3 == 0) {
      calls.push_back(call({"ECHO", std::to_string(i)}));
    } else if (i % 3 == 1) {
      calls.push_back(call({"INCR", "n"}));
    } else {
      calls.push_back(call({"EVAL", "return {ARGV[1]}", "0", std::to_string(i)}));
    }
    all.push_back(calls.back().get());
    if (i % 50 == 0) turns(1);
  }
  ASSERT_TRUE(finish(all));
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    const std::string expected = i % 3 == 0   ? number
                                 : i % 3 == 1 ? "(integer) " + std::to_string(i / 3 + 1)
                                              : "[" + number + "]";
    ASSERT_EQ(all[static_cast<std::size_t>(i)]->text(), expected);
    if (i > 0) {
      ASSERT_LT(all[static_cast<std::size_t>(i - 1)]->order, all[static_cast<std::size_t>(i)]->order);
    }
  }
  EXPECT_EQ(client_->counters().opened, 1U);
}

TEST_F(Redis, who_leaves_does_not_break_the_order) {
  const RedisServer server;
  use(server);
  ASSERT_EQ(ask({"PING"}), "PONG");
  const auto first = call({"ECHO", "1"}), cancelled = call({"ECHO", "2"}), destroyed = call({"ECHO", "3"}),
             last = call({"ECHO", "4"});
  cancelled->scope.cancel(Reason::client_closed);
  destroyed->destroy();
  ASSERT_TRUE(finish({first.get(), cancelled.get(), last.get()}));
  EXPECT_EQ(first->text(), "1");
  EXPECT_THAT(cancelled->text(), StartsWith("cancelled"));
  EXPECT_EQ(last->text(), "4");
  EXPECT_EQ(ask({"ECHO", "5"}), "5");
  EXPECT_EQ(client_->counters().opened, 1U);
}

TEST_F(Redis, who_leaves_while_a_connection_is_made_does_not_break_the_order) {
  const RedisServer server;
  use(server);
  const auto first = call({"ECHO", "1"}), gone = call({"ECHO", "2"}), last = call({"ECHO", "3"});
  gone->destroy();
  ASSERT_TRUE(finish({first.get(), last.get()}));
  EXPECT_EQ(first->text(), "1");
  EXPECT_EQ(last->text(), "3");
}

TEST_F(Redis, what_nobody_waits_for_any_more_is_not_sent_when_the_connection_stands) {
  const RedisServer server;
  use(server);
  const auto gone = call({"INCR", "gone"}), stays = call({"INCR", "stays"});
  gone->scope.cancel(Reason::client_closed);
  turns(1);
  ASSERT_THAT(gone->text(), StartsWith("cancelled"));
  ASSERT_TRUE(finish({stays.get()}));
  EXPECT_EQ(stays->text(), "(integer) 1");
  EXPECT_EQ(ask({"GET", "gone"}), "(nil)");
}

TEST_F(Redis, commands_of_one_turn_leave_in_one_write) {
  // The first bytes after the greeting are all three commands: a peer that reads once sees them together.
  const std::string ping = "*1\r\n$4\r\nPING\r\n";
  const std::string three =
      "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\nc\r\n";
  std::vector<std::size_t> reads;
  ScriptedPeer peer({{step::expect(ping), step::send("+PONG\r\n"),
                      [&](gatehouse::test::PeerConnection& connection) {
                        return connection.read_until([&](std::string_view bytes) {
                          reads.push_back(bytes.size());
                          return bytes.size() >= three.size();
                        });
                      },
                      step::send("$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"), step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  const auto a = call({"GET", "a"}), b = call({"GET", "b"}), c = call({"GET", "c"});
  ASSERT_TRUE(finish({a.get(), b.get(), c.get()}));
  EXPECT_EQ(a->text() + b->text() + c->text(), "12(nil)");
  EXPECT_EQ(reads.back(), three.size());
  EXPECT_TRUE(std::ranges::all_of(reads, [&](std::size_t size) { return size == 0 || size == three.size(); }));
}

TEST_F(Redis, a_script_is_sent_whole_only_where_the_server_does_not_know_it) {
  const RedisServer server;
  use(server);
  const RedisScript script = make_script("return KEYS[1] .. ARGV[1]");
  EXPECT_EQ(script.sha, server.cli({"SCRIPT", "LOAD", script.text}));
  server.cli({"SCRIPT", "FLUSH"});
  EXPECT_EQ(eval(script, {"k"}, {"1"}), "k1");
  EXPECT_EQ(count("server_error"), 1U) << "NOSCRIPT, once";
  EXPECT_EQ(eval(script, {"k"}, {"2"}), "k2");
  EXPECT_EQ(count("server_error"), 1U);
  server.cli({"SCRIPT", "FLUSH"});
  EXPECT_EQ(eval(script, {"k"}, {"3"}), "k3");
  EXPECT_EQ(count("server_error"), 2U);
}

TEST_F(Redis, a_server_that_stands_still_gives_timeouts_and_then_is_down) {
  RedisServer server;
  use(server, 50ms);
  ASSERT_TRUE(until_true([&] { return ask({"PING"}) == "PONG"; }));
  server.process().signal(SIGSTOP);
  EXPECT_THAT(ask({"PING"}), StartsWith("timeout"));
  ASSERT_TRUE(until_true([&] { return ask({"PING"}).starts_with("unavailable"); }));
  EXPECT_EQ(client_->counters().connected, 0U);
  // Down: at once, without a turn of the loop.
  EXPECT_THAT(call({"PING"})->text(), StartsWith("unavailable"));
  server.process().signal(SIGCONT);
  EXPECT_TRUE(until_true([&] { return ask({"PING"}) == "PONG"; }));
  EXPECT_EQ(client_->counters().opened, 2U);
}

TEST_F(Redis, an_answer_that_comes_too_late_is_dropped) {
  RedisServer server;
  use(server, 2s);
  ASSERT_TRUE(until_true([&] { return ask({"PING"}) == "PONG"; }));
  server.process().signal(SIGSTOP);
  EXPECT_THAT(ask({"ECHO", "late"}), StartsWith("timeout"));
  const auto next = call({"ECHO", "next"});
  turns(2);
  server.process().signal(SIGCONT);
  ASSERT_TRUE(finish({next.get()}));
  EXPECT_EQ(next->text(), "next");
  EXPECT_EQ(client_->counters().opened, 1U);
}

TEST_F(Redis, a_server_that_dies_fails_fast_and_is_found_again) {
  RedisServer server;
  use(server);
  ASSERT_EQ(ask({"PING"}), "PONG");
  server.process().signal(SIGSTOP);
  const auto under_way = call({"PING"});
  turns(2);
  server.kill();
  ASSERT_TRUE(finish({under_way.get()}));
  EXPECT_THAT(under_way->text(), StartsWith("unavailable"));
  EXPECT_THAT(ask({"PING"}), StartsWith("unavailable: Connection refused"));
  const std::uint64_t failed = client_->counters().failed;
  for (int i = 0; i < 100; ++i) EXPECT_THAT(call({"PING"})->text(), StartsWith("unavailable"));
  EXPECT_EQ(client_->counters().failed, failed) << "no command tries before the pause is over";
  ASSERT_TRUE(until_true([&] { return client_->counters().failed > failed; })) << "it goes on trying by itself";
  server.start();
  EXPECT_TRUE(until_true([&] { return client_->counters().connected == 1; }));
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST(RedisNode, pauses_grow_to_two_seconds) {
  Random random;
  Duration longest{};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_GT(Node::pause(1, random), 50ms - 1us);
    EXPECT_LE(Node::pause(1, random), 100ms);
    EXPECT_GT(Node::pause(3, random), 200ms - 1us);
    EXPECT_LE(Node::pause(3, random), 400ms);
    EXPECT_GT(Node::pause(1000, random), 1s - 1us);
    EXPECT_LE(Node::pause(1000, random), 2s);
    longest = std::max(longest, Node::pause(1000, random));
  }
  EXPECT_GT(longest, 1900ms) << "they differ";
}

TEST_F(Redis, a_connection_that_the_server_closed_while_idle_is_made_again_by_the_next_command) {
  const RedisServer server;
  use(server);
  ASSERT_EQ(ask({"PING"}), "PONG");
  server.cli({"CLIENT", "KILL", "TYPE", "normal"});
  ASSERT_TRUE(until_true([&] { return client_->counters().connected == 0; }));
  EXPECT_EQ(ask({"PING"}), "PONG");
  EXPECT_EQ(client_->counters().failed, 0U);
}

TEST_F(Redis, takes_no_more_commands_than_allowed) {
  RedisServer server;
  Options options;
  options.address = address_of(server);
  options.timeout = kLong;
  options.max_pending = 10;
  use(options);
  ASSERT_EQ(ask({"PING"}), "PONG");
  server.process().signal(SIGSTOP);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(call({"PING"}));
  EXPECT_THAT(ask({"PING"}), StartsWith("overloaded"));
  calls[3]->destroy();
  EXPECT_THAT(ask({"PING"}), StartsWith("overloaded")) << "its answer is still to come";
  server.process().signal(SIGCONT);
  ASSERT_TRUE(finish({calls.back().get()}));
  EXPECT_EQ(ask({"PING"}), "PONG");
  EXPECT_EQ(count("overloaded"), 2U);
}

TEST_F(Redis, takes_no_more_bytes_than_allowed) {
  const RedisServer server;
  use(server);
  EXPECT_THAT(ask({"SET", "a", std::string(Connection::kMostUnsent + 1, 'x')}), StartsWith("overloaded"));
  EXPECT_EQ(ask({"SET", "a", std::string(Connection::kMostUnsent - 100, 'x')}), "OK");
}

TEST_F(Redis, chooses_the_database) {
  const RedisServer server;
  Options options;
  options.address = address_of(server);
  options.timeout = kLong;
  options.database = 3;
  use(options);
  EXPECT_EQ(ask({"SET", "a", "b"}), "OK");
  EXPECT_EQ(server.cli({"GET", "a"}, {"-n", "3"}), "b");
  client_->close();
  options.database = 99;
  use(options);
  EXPECT_THAT(ask({"PING"}), HasSubstr("DB index is out of range"));
}

TEST_F(Redis, closed_answers_nothing) {
  const RedisServer server;
  use(server);
  ASSERT_EQ(ask({"PING"}), "PONG");
  const auto under_way = call({"PING"});
  client_->close();
  ASSERT_TRUE(finish({under_way.get()}));
  EXPECT_THAT(under_way->text(), StartsWith("unavailable"));
  EXPECT_THAT(ask({"PING"}), StartsWith("unavailable"));
  EXPECT_EQ(client_->counters().connected, 0U);
}

// ---- peers that are no Redis ----

class RedisPeer : public ClientTest {
 protected:
  void SetUp() override {}  // needs no server

  static constexpr const char* kPing = "*1\r\n$4\r\nPING\r\n";
  /// What "GET a" gives where the server answers it with `bytes`.
  std::string answer(std::string bytes) {
    ScriptedPeer peer({{step::expect(kPing), step::send("+PONG\r\n"), step::expect("GET"), step::send(std::move(bytes)),
                        step::hang()}});
    Options options;
    options.address = {"127.0.0.1", peer.port()};
    options.timeout = kLong;
    use(options);
    std::string text = ask({"GET", "a"});
    client_->close();
    return text;
  }
};

TEST_F(RedisPeer, that_answers_garbage_is_given_up) {
  EXPECT_EQ(answer("HTTP/1.1 400 Bad Request\r\n\r\n"), "unavailable: what it sent is not RESP");
  EXPECT_EQ(answer("$x\r\n"), "unavailable: what it sent is not RESP");
  EXPECT_EQ(answer("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"),
            "unavailable: what it sent is not RESP");
}

TEST_F(RedisPeer, that_answers_too_much_is_given_up) {
  const std::string large(1024 * 1024 - 100, 'x');
  EXPECT_EQ(answer("$" + std::to_string(large.size()) + "\r\n" + large + "\r\n"), large);
  EXPECT_EQ(answer("$2000000\r\n" + std::string(2'000'000, 'x')), "unavailable: a reply is larger than 1 MiB");
  EXPECT_EQ(answer("*1000000\r\n"), "unavailable: a reply has too many elements");
  std::string many = "*40000\r\n*40000\r\n";
  EXPECT_EQ(answer(many), "unavailable: a reply has too many elements");
}

TEST_F(RedisPeer, that_answers_unasked_is_given_up) {
  EXPECT_EQ(answer("$1\r\nx\r\n+unasked\r\n"), "x");
  EXPECT_EQ(client_->counters().connected, 0U);
}

TEST_F(RedisPeer, may_answer_byte_by_byte) {
  ScriptedPeer peer(
      {{step::expect(kPing), step::send_slowly("+PONG\r\n", 1, gatehouse::test::Millis(1)), step::expect("GET"),
        step::send_slowly("*2\r\n$2\r\nab\r\n:-12\r\n", 1, gatehouse::test::Millis(1)), step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  EXPECT_EQ(ask({"GET", "a"}), "[ab, (integer) -12]");
}

TEST_F(RedisPeer, that_closes_in_the_middle_of_an_answer_fails_all_that_wait) {
  ScriptedPeer peer(
      {{step::expect(kPing), step::send("+PONG\r\n"), step::expect("b\r\n"), step::send("$10\r\nabc"), step::close()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  const auto a = call({"GET", "a"}), b = call({"GET", "b"});
  ASSERT_TRUE(finish({a.get(), b.get()}));
  EXPECT_THAT(a->text(), StartsWith("unavailable"));
  EXPECT_THAT(b->text(), StartsWith("unavailable"));
}

TEST_F(RedisPeer, that_is_loading_its_data_counts_as_down) {
  ScriptedPeer peer(
      {{step::expect(kPing), step::send("-LOADING Redis is loading the dataset in memory\r\n"), step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  EXPECT_EQ(ask({"GET", "a"}), "unavailable: LOADING Redis is loading the dataset in memory");
}

TEST_F(RedisPeer, that_became_a_replica_is_left) {
  ScriptedPeer peer(
      {{step::expect(kPing), step::send("+PONG\r\n"), step::expect("SET"),
        step::send("-READONLY You can't write against a read only replica.\r\n"), step::hang()},
       {step::expect(kPing), step::send("+PONG\r\n"), step::expect("SET"), step::send("+OK\r\n"), step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  EXPECT_THAT(ask({"SET", "a", "b"}), StartsWith("server: READONLY"));
  EXPECT_EQ(client_->counters().connected, 0U);
  ASSERT_TRUE(until_true([&] { return client_->counters().connected == 1; }));
  EXPECT_EQ(ask({"SET", "a", "b"}), "OK");
}

TEST_F(RedisPeer, that_stays_a_replica_is_tried_less_and_less_often) {
  const gatehouse::test::Script replica{
      step::expect(kPing), step::send("+PONG\r\n"),
      step::expect("GET"), step::send("$1\r\nx\r\n"),
      step::expect("SET"), step::send("-READONLY You can't write against a read only replica.\r\n"),
      step::hang()};
  ScriptedPeer peer({replica, replica, replica, {step::expect(kPing), step::send("+PONG\r\n"), step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = kLong;
  use(options);
  Duration last{};
  for (std::uint64_t cycle = 1; cycle <= 3; ++cycle) {
    ASSERT_EQ(ask({"GET", "a"}), "x") << "it answers what only reads";
    ASSERT_THAT(ask({"SET", "a", "b"}), StartsWith("server: READONLY"));
    const TimePoint lost = steady_now();
    ASSERT_TRUE(until_true([&] { return client_->counters().opened == cycle + 1; }));
    last = steady_now() - lost;
  }
  EXPECT_GE(last, 190ms) << "the third pause is 200 to 400 ms, the first no more than 100";
}

TEST_F(Redis, runs_what_nobody_waits_for_and_copies_it) {
  RedisServer server;
  Client& client = use(server);
  const auto script = std::make_shared<const RedisScript>(make_script("return redis.call('INCRBY', KEYS[1], ARGV[1])"));
  for (int i = 0; i < 50; ++i) {
    std::string key = "count", by = "2";
    const std::string_view keys[] = {key}, arguments[] = {by};
    EXPECT_TRUE(client.post(script, keys, arguments));
    key = by = "gone";
  }
  EXPECT_TRUE(until_true([&] { return ask({"GET", "count"}) == "100"; }));
}

TEST_F(Redis, tells_what_became_of_what_nobody_waits_for) {
  RedisServer server;
  Client& client = use(server);
  std::vector<std::string> told;
  const auto post = [&](const char* text) {
    client.post(std::make_shared<const RedisScript>(make_script(text)), {}, {},
                [&](const RedisResult& result) { told.push_back(text_of(result)); });
  };
  post("return 'known to no server'");
  ASSERT_TRUE(until_true([&] { return told.size() == 1; }));
  client.close();
  post("return 2");
  EXPECT_THAT(told, testing::ElementsAre("known to no server", StartsWith("unavailable")));
}

TEST_F(Redis, says_whether_what_it_gives_up_was_sent) {
  RedisServer server;
  use(server, 200ms);
  ASSERT_TRUE(until_true([&] { return ask({"PING"}) == "PONG"; }));
  const auto sent = [&](const Call& call) { return !call.result() && call.result().error().sent; };
  server.process().signal(SIGSTOP);
  const auto late = call({"PING"});
  ASSERT_TRUE(finish({late.get()}));
  EXPECT_THAT(late->text(), StartsWith("timeout"));
  EXPECT_TRUE(sent(*late));
  const auto written = call({"PING"});
  turns(1);
  const auto unwritten = call({"PING"});
  client_->close();
  ASSERT_TRUE(finish({written.get(), unwritten.get()}));
  EXPECT_TRUE(sent(*written));
  EXPECT_THAT(unwritten->text(), StartsWith("unavailable"));
  EXPECT_FALSE(sent(*unwritten));
  const auto down = call({"PING"});
  ASSERT_TRUE(finish({down.get()}));
  EXPECT_FALSE(sent(*down));
}

TEST_F(RedisPeer, that_never_greets_was_sent_nothing) {
  ScriptedPeer peer({{step::hang()}});
  Options options;
  options.address = {"127.0.0.1", peer.port()};
  options.timeout = 50ms;
  use(options);
  const auto held = call({"PING"});
  ASSERT_TRUE(finish({held.get()}));
  ASSERT_FALSE(held->result());
  EXPECT_FALSE(held->result().error().sent);
}

TEST_F(Redis, lets_no_more_than_a_few_thousand_be_under_way_that_nobody_waits_for) {
  Options nowhere;
  nowhere.address = {"127.0.0.1", 1};
  Client& client = use(nowhere);
  const auto script = std::make_shared<const RedisScript>(make_script("return 1"));
  std::size_t taken = 0;
  while (taken <= Client::kMostPosted && client.post(script, {}, {})) ++taken;
  EXPECT_EQ(taken, Client::kMostPosted);
  EXPECT_TRUE(until_true([&] { return client.post(script, {}, {}); })) << "they have failed";
}

}  // namespace
}  // namespace gatehouse::redis
