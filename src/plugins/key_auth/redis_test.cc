#include <chrono>
#include <list>

#include "base/hex.h"
#include "base/scheduler.h"
#include "base/sha256.h"
#include "config/value_kinds.h"
#include "plugins/key_auth/redis_keys.h"
#include "plugins/testing/consumers.h"

namespace gatehouse::plugins::key_auth {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::FakeRedis;
using Record = std::map<std::string, std::string>;

constexpr TimePoint kStart{std::chrono::hours(1)};
TimePoint at(double seconds) {
  return kStart + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

/// A Redis with hashes, as far as HMGET can see them.
class HashRedis : public FakeRedis {
 public:
  HashRedis() {
    answer = [this](const Words& words) { return hmget(words); };
  }
  void put(const std::string& key, Record record) { records_["gatehouse:key:" + hex(sha256(key))] = std::move(record); }
  void revoke(const std::string& key) { records_.erase("gatehouse:key:" + hex(sha256(key))); }

 private:
  RedisResult hmget(const Words& words) {
    EXPECT_EQ(words.front(), "HMGET");
    const auto found = records_.find(words[1]);
    values_.assign(words.size() - 2, {});
    for (std::size_t i = 2; i < words.size() && found != records_.end(); ++i) {
      const auto field = found->second.find(words[i]);
      if (field != found->second.end()) values_[i - 2] = {.kind = RedisReply::Kind::string, .text = field->second};
    }
    return RedisReply{
        .kind = RedisReply::Kind::array, .first = values_.data(), .count = static_cast<std::uint32_t>(values_.size())};
  }
  std::map<std::string, Record> records_;
  std::vector<RedisReply> values_;
};

/// What one request came to. The exchange has ended: views of it are gone, so these are copies.
struct Seen {
  int status = 200;
  std::string username, consumer_id, custom_id, groups, credential_id, tier, rate, services, message;
};

struct Fixture {
  explicit Fixture(const std::string& config = "{redis: true}") {
    context.fake_redis = redis;
    context.begin(testing::consumers(kType,
                                     "[{username: ada, groups: [staff], credentials: [{type: key-auth, key: "
                                     "of-ada}]}, {username: bob}]"));
    plugin = testing::build(kType, config, context);
  }

  Seen ask(const std::string& key, TimePoint now = kStart) const {
    Request request;
    request.exchange.now = now;
    request.header("X-API-Key", key);
    Verdict verdict = plugin->on_request(request.exchange);
    if (verdict == Verdict::suspend) {
      Task<Verdict> task = plugin->on_request_async(request.exchange);
      task.start();
      EXPECT_TRUE(task.done());
      verdict = task.result();
    }
    return seen(request.exchange, verdict);
  }
  static Seen seen(const plugin::Exchange& x, Verdict verdict) {
    Seen seen;
    if (verdict == Verdict::reply) seen.status = x.response.status;
    seen.message = x.refusal_message();
    if (x.consumer != nullptr) {
      seen.username = x.consumer->username;
      seen.consumer_id = x.consumer->id;
      seen.custom_id = x.consumer->custom_id;
      seen.groups = x.consumer->groups_text;
    }
    seen.credential_id = x.credential_id;
    if (x.credential == nullptr) return seen;
    seen.tier = x.credential->tier;
    if (x.credential->rate_limit) seen.rate = config::rate_text(*x.credential->rate_limit);
    for (const std::string& service : x.credential->services) seen.services += service + ";";
    return seen;
  }

  using Request = testing::Request;
  testing::FakeContext context;
  const std::shared_ptr<HashRedis> redis = std::make_shared<HashRedis>();
  std::shared_ptr<const plugin::Plugin> plugin;
};

TEST(KeyAuthRedis, makes_a_consumer_of_a_record) {
  const Fixture fixture;
  fixture.redis->put("secret", {{"username", "eve"},
                                {"id", "c-7"},
                                {"custom_id", "E 7"},
                                {"groups", "staff, admin"},
                                {"rate_limit", "1000/hour"},
                                {"services", "orders,service"},
                                {"credential_id", "eve's first"},
                                {"created", "a field of somebody else's"}});
  const Seen eve = fixture.ask("secret");
  EXPECT_EQ(eve.status, 200) << eve.message;
  EXPECT_EQ(eve.username, "eve");
  EXPECT_EQ(eve.consumer_id, "c-7");
  EXPECT_EQ(eve.custom_id, "E 7");
  EXPECT_EQ(eve.groups, "staff, admin");
  EXPECT_EQ(eve.rate, "1000/hour");
  EXPECT_EQ(eve.services, "orders;service;");
  EXPECT_EQ(eve.credential_id, "eve's first");
  for (const auto& words : fixture.redis->asked) {
    for (const std::string& word : words) EXPECT_EQ(word.find("secret"), std::string::npos) << "the key itself";
  }
}

TEST(KeyAuthRedis, fills_in_what_a_record_does_not_say) {
  const Fixture fixture;
  fixture.redis->put("secret", {{"username", "eve"}});
  const Seen eve = fixture.ask("secret");
  EXPECT_EQ(eve.status, 200);
  EXPECT_EQ(eve.credential_id, hex(sha256("secret")).substr(0, 12));
  EXPECT_EQ(eve.consumer_id.size(), 36u) << "a UUID";
  fixture.redis->put("another", {{"username", "eve"}});
  EXPECT_EQ(fixture.ask("another").consumer_id, eve.consumer_id) << "limits count by it";
}

TEST(KeyAuthRedis, knows_consumers_of_the_configuration_by_their_names) {
  const Fixture fixture;
  fixture.redis->put("more", {{"username", "ada"}, {"groups", "admin"}, {"rate_limit", "5/second"}});
  const Seen ada = fixture.ask("more");
  EXPECT_EQ(ada.username, "ada");
  EXPECT_EQ(ada.groups, "staff") << "whose groups are the configuration's";
  EXPECT_EQ(ada.rate, "5/second");
}

TEST(KeyAuthRedis, does_not_ask_for_keys_of_the_configuration_or_without_a_key) {
  const Fixture fixture;
  EXPECT_EQ(fixture.ask("of-ada").username, "ada");
  EXPECT_EQ(fixture.ask("").status, 401);
  EXPECT_TRUE(fixture.redis->asked.empty());
  const Fixture off("{}");
  EXPECT_EQ(off.ask("secret").status, 401);
  EXPECT_TRUE(off.redis->asked.empty());
}

TEST(KeyAuthRedis, refuses_a_bad_record) {
  const std::pair<const char*, const char*> cases[] = {
      {"tier", "gold"},      {"rate_limit", "many"}, {"rate_limit", ""},    {"services", " , "},     {"groups", ","},
      {"custom_id", "a\nb"}, {"id", "bob"},          {"credential_id", ""}, {"rate_limit", "0/hour"}};
  for (const auto& [field, value] : cases) {
    const Fixture fixture;
    fixture.redis->put("secret", {{"username", "eve"}, {field, value}});
    const Seen seen = fixture.ask("secret");
    EXPECT_EQ(seen.status, 401) << field;
    EXPECT_EQ(seen.username, "") << field;
    EXPECT_EQ(fixture.ask("secret").message, "the key is not known");
    EXPECT_EQ(fixture.redis->asked.size(), 1u) << "it is remembered like an unknown one";
  }
  const Fixture fixture;
  fixture.redis->put("nobody", {{"groups", "admin"}});
  EXPECT_EQ(fixture.ask("nobody").status, 401);
  fixture.redis->answer = [](const auto&) {
    return std::unexpected(RedisError{RedisError::Fault::server, "WRONGTYPE Operation against a key"});
  };
  EXPECT_EQ(fixture.ask("a string").status, 401);
}

TEST(KeyAuthRedis, remembers_known_keys_and_unknown_ones) {
  const Fixture fixture("{redis: true, cache_duration: 60s}");
  fixture.redis->put("secret", {{"username", "eve"}});
  EXPECT_EQ(fixture.ask("secret", at(0)).status, 200);
  fixture.redis->revoke("secret");
  EXPECT_EQ(fixture.ask("secret", at(59.9)).status, 200);
  EXPECT_EQ(fixture.redis->asked.size(), 1u);
  EXPECT_EQ(fixture.ask("secret", at(60)).status, 401);
  EXPECT_EQ(fixture.redis->asked.size(), 2u);
  fixture.redis->put("secret", {{"username", "eve"}});
  EXPECT_EQ(fixture.ask("secret", at(64.9)).status, 401);
  EXPECT_EQ(fixture.redis->asked.size(), 2u);
  EXPECT_EQ(fixture.ask("secret", at(65)).status, 200);
}

TEST(KeyAuthRedis, remembers_unknown_keys_no_longer_than_known_ones) {
  const Fixture brief("{redis: true, cache_duration: 2s}"), none("{redis: true, cache_duration: 0}");
  EXPECT_EQ(brief.ask("secret", at(0)).status, 401);
  brief.redis->put("secret", {{"username", "eve"}});
  EXPECT_EQ(brief.ask("secret", at(1.9)).status, 401);
  EXPECT_EQ(brief.ask("secret", at(2)).status, 200);
  none.redis->put("secret", {{"username", "eve"}});
  EXPECT_EQ(none.ask("secret").status, 200);
  none.redis->revoke("secret");
  EXPECT_EQ(none.ask("secret").status, 401);
}

TEST(KeyAuthRedis, answers_503_while_the_redis_does_not_say_and_goes_on_with_what_it_remembers) {
  const Fixture fixture;
  fixture.redis->put("secret", {{"username", "eve"}});
  const auto works = fixture.redis->answer;
  EXPECT_EQ(fixture.ask("secret", at(0)).status, 200);
  for (const int second : {59, 60}) {
    for (const RedisError error : {RedisError{RedisError::Fault::unavailable}, RedisError{RedisError::Fault::timeout},
                                   RedisError{RedisError::Fault::overloaded},
                                   RedisError{RedisError::Fault::server, "NOAUTH Authentication required."}}) {
      fixture.redis->answer = [error](const auto&) { return std::unexpected(error); };
      EXPECT_EQ(fixture.ask("secret", at(second)).status, second < 60 ? 200 : 503);
      EXPECT_EQ(fixture.ask("another", at(second)).status, 503);
    }
  }
  fixture.redis->answer = works;
  EXPECT_EQ(fixture.ask("secret", at(60)).status, 200) << "503 is not remembered";
  EXPECT_EQ(fixture.ask("another", at(60)).status, 401);
}

TEST(KeyAuthRedis, outlives_the_plugin_while_an_exchange_has_it) {
  Fixture fixture;
  fixture.redis->put("secret", {{"username", "eve"}, {"groups", "staff"}});
  EXPECT_EQ(fixture.ask("secret").status, 200);
  Fixture::Request request;
  request.exchange.now = kStart;
  request.header("X-API-Key", "secret");
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::proceed);
  fixture.context.begin(std::make_shared<const plugin::Consumers>());
  fixture.plugin = nullptr;
  ASSERT_NE(request.exchange.consumer, nullptr);
  EXPECT_EQ(request.exchange.consumer->username, "eve");
  EXPECT_TRUE(request.exchange.consumer->is_in("staff"));
}

// ---- several requests at a time ----

/// Answers when the test says so.
class LateRedis : public HashRedis {
 public:
  Task<RedisResult> command(plugin::Exchange& exchange, Arguments words) const override {
    ++questions;
    Signal& open = gates.emplace_back();
    const Outcome outcome = co_await until(open, *exchange.scope, kNever);
    if (outcome == Outcome::cancelled) co_return std::unexpected(RedisError{RedisError::Fault::cancelled});
    co_return co_await HashRedis::command(exchange, words);
  }
  mutable std::list<Signal> gates;
  mutable int questions = 0;
};

struct Waiting {
  Waiting(const plugin::Plugin& plugin, Scheduler& scheduler, const std::string& key) : scope(scheduler) {
    request.exchange.scope = &scope;
    request.exchange.now = kStart;
    request.header("X-API-Key", request.arena.copy(key));
    EXPECT_EQ(plugin.on_request(request.exchange), Verdict::suspend);
    task = plugin.on_request_async(request.exchange);
    task.start();
  }
  Scope scope;
  testing::Request request;
  Task<Verdict> task;
};

struct Late : Fixture {
  Late() {
    context.fake_redis = late;
    plugin = testing::build(kType, "{redis: true, cache_size: 64}", context);
    late->put("secret", {{"username", "eve"}});
  }
  std::unique_ptr<Waiting> ask_late(const std::string& key = "secret") {
    return std::make_unique<Waiting>(*plugin, scheduler, key);
  }
  void answer() {
    for (Signal& gate : late->gates) gate.notify();
    while (scheduler.run_ready()) {
    }
  }
  const std::shared_ptr<LateRedis> late = std::make_shared<LateRedis>();
  Scheduler scheduler{kStart};
};

TEST(KeyAuthRedis, asks_once_for_all_who_want_the_same) {
  Late late;
  std::vector<std::unique_ptr<Waiting>> all;
  for (int i = 0; i < 20; ++i) all.push_back(late.ask_late(i % 2 == 0 ? "secret" : "unknown"));
  EXPECT_EQ(late.late->questions, 2);
  late.answer();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(all[i]->task.done()) << i;
    EXPECT_EQ(all[i]->task.result(), i % 2 == 0 ? Verdict::proceed : Verdict::reply) << i;
  }
}

TEST(KeyAuthRedis, asks_again_where_the_one_who_asked_has_gone) {
  Late late;
  auto first = late.ask_late(), second = late.ask_late(), third = late.ask_late(), fourth = late.ask_late();
  fourth = nullptr;  // gone while it waited for the first
  first->scope.cancel(Reason::client_closed);
  while (late.scheduler.run_ready()) {
  }
  EXPECT_TRUE(first->task.done());
  EXPECT_EQ(first->request.exchange.reason, Reason::client_closed);
  EXPECT_FALSE(second->task.done());
  EXPECT_EQ(late.late->questions, 2) << "one of the others asks for both";
  third->scope.cancel(Reason::client_closed);
  while (late.scheduler.run_ready()) {
  }
  EXPECT_EQ(third->task.result(), Verdict::reply);
  late.answer();
  ASSERT_TRUE(second->task.done());
  EXPECT_EQ(second->task.result(), Verdict::proceed);
}

TEST(KeyAuthRedis, ends_with_questions_under_way) {
  Late late;
  auto first = late.ask_late(), second = late.ask_late();
  first = nullptr;  // the frame goes without an answer
  while (late.scheduler.run_ready()) {
  }
  EXPECT_EQ(late.late->questions, 2);
  second = nullptr;
}

// A sanitised program is far slower.
#ifdef GATEHOUSE_SANITIZED
constexpr int kGuesses = 20'000;
#else
constexpr int kGuesses = 1'000'000;
#endif

TEST(KeyAuthRedis, takes_no_memory_for_guesses_and_forgets_no_known_key_for_them) {
  /// Has one key, and counts what it is asked.
  class OneKey : public FakeRedis {
   public:
    Task<RedisResult> command(plugin::Exchange&, Arguments words) const override {
      ++questions;
      values[0] = words[1] == name ? RedisReply{.kind = RedisReply::Kind::string, .text = "eve"} : RedisReply{};
      co_return RedisReply{.kind = RedisReply::Kind::array, .first = values, .count = std::size(kRecordFields)};
    }
    const std::string name = "gatehouse:key:" + hex(sha256("secret"));
    mutable RedisReply values[std::size(kRecordFields)];
    mutable int questions = 0;
  };
  const auto redis = std::make_shared<OneKey>();
  const RedisKeys keys({"gatehouse:key:", std::chrono::hours(1), 64}, redis, std::make_shared<plugin::Consumers>(), 1);
  const auto ask = [&](const std::string& key) {
    testing::Request request;
    request.exchange.now = kStart;
    const Sha256 hash = sha256(key);
    if (const auto answer = keys.remembered(request.exchange, hash)) return answer->kind;
    Task<Answer> task = keys.look_up(request.exchange, hash);
    task.start();
    return task.result().kind;
  };
  EXPECT_EQ(ask("secret"), Answer::Kind::known);
  for (int i = 0; i < kGuesses; ++i) {
    ASSERT_EQ(ask("guess " + std::to_string(i)), Answer::Kind::unknown);
  }
  EXPECT_EQ(redis->questions, kGuesses + 1);
  std::size_t kept = 0;
  testing::Request request;
  request.exchange.now = kStart;
  for (int i = 0; i < kGuesses; ++i)
    kept += keys.remembered(request.exchange, sha256("guess " + std::to_string(i))).has_value();
  EXPECT_LE(kept, RedisKeys::kMostUnknown);
  EXPECT_EQ(ask("secret"), Answer::Kind::known);
  EXPECT_EQ(ask("guess " + std::to_string(kGuesses - 1)), Answer::Kind::unknown);
  EXPECT_EQ(redis->questions, kGuesses + 1) << "both are remembered";
}

}  // namespace
}  // namespace gatehouse::plugins::key_auth
