#include <hiredis.h>

#include <algorithm>

#include "base/base64.h"
#include "base/hmac.h"
#include "plugin/claims.h"
#include "plugins/jwt/redis_revocations.h"
#include "plugins/testing/consumers.h"
#include "support/redis_server.h"

namespace gatehouse::plugins::jwt {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::FakeRedis;
using ::testing::HasSubstr;

constexpr std::string_view kSecret = "a-secret-of-at-least-thirty-two-bytes";

std::string base64url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  std::erase(text, '=');
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}
std::string token(const std::string& claims) {
  const std::string text = base64url(R"({"alg":"HS256"})") + "." + base64url(R"({"iss":"shop")" + claims + "}");
  return text + "." + base64url(HmacKey(HashKind::sha256, kSecret).sign(text).view());
}

/// What of a token the Redis has.
class ListRedis : public FakeRedis {
 public:
  ListRedis() {
    answer = [this](const Words& words) {
      EXPECT_EQ(words.size(), 3u);
      items[0] = {.kind = RedisReply::Kind::integer, .integer = there.contains(words[1])};
      const auto found = there.find(words[2]);
      items[1] =
          found == there.end() ? RedisReply{} : RedisReply{.kind = RedisReply::Kind::string, .text = found->second};
      return RedisReply{.kind = RedisReply::Kind::array, .first = items, .count = 2};
    };
  }
  std::map<std::string, std::string> there;
  RedisReply items[2];
};

struct Fixture {
  explicit Fixture(const std::string& more = "") {
    context.fake_redis = redis;
    context.begin(testing::consumers(
        kType, "[{username: shop, credentials: [{type: jwt, key: shop, secret: \"" + std::string(kSecret) + "\"}]}]"));
    plugin = testing::build(kType, "{revoked_in_redis: true" + more + "}", context);
  }
  int ask(const std::string& text, TimePoint now = {}) const {
    testing::Request request;
    request.exchange.now = now;
    request.header("Authorization", request.arena.copy("Bearer " + text));
    Verdict verdict = plugin->on_request(request.exchange);
    if (verdict == Verdict::suspend) {
      Task<Verdict> task = plugin->on_request_async(request.exchange);
      task.start();
      EXPECT_TRUE(task.done());
      verdict = task.result();
    }
    if (verdict == Verdict::reply) return request.exchange.response.status;
    EXPECT_EQ(request.exchange.consumer->username, "shop");
    EXPECT_EQ(request.exchange.claims->text("iss", request.arena), "shop");
    return 200;
  }
  std::size_t asked() const { return redis->asked.size(); }

  testing::FakeContext context;
  const std::shared_ptr<ListRedis> redis = std::make_shared<ListRedis>();
  std::shared_ptr<const plugin::Plugin> plugin;
};

TEST(JwtRedis, refuses_a_revoked_token) {
  const Fixture fixture;
  fixture.redis->there = {{"gatehouse:{revoked}:jti:4711", "whatever"}};
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"4711")")), 401);
  EXPECT_EQ(fixture.ask(token(R"(,"jti":4711)")), 401);
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"4712","sub":"4711")")), 200);
}

TEST(JwtRedis, refuses_the_tokens_of_a_subject_that_were_issued_before) {
  const Fixture fixture;
  fixture.redis->there = {{"gatehouse:{revoked}:sub:ada", "1000"}, {"gatehouse:{revoked}:sub:bob", "yesterday"}};
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"ada","iat":999)")), 401);
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"ada","iat":1000)")), 200);
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"ada")")), 401) << "when was it issued?";
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"bob","iat":9999)")), 401) << "a time that nobody can read";
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"eve","iat":999)")), 200);
}

TEST(JwtRedis, asks_only_about_good_tokens_with_a_name_and_only_once) {
  const Fixture fixture(", cache_duration: 1h");
  EXPECT_EQ(fixture.ask(token("")), 200) << "nothing by which it could be revoked";
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"1","exp":1)")), 401);
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"1")") + "x"), 401);
  EXPECT_EQ(fixture.asked(), 0u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fixture.ask(token(R"(,"jti":"1","sub":"ada")")), 200);
  ASSERT_EQ(fixture.asked(), 1u);
  EXPECT_EQ(fixture.redis->asked.front(),
            (FakeRedis::Words{"EVAL", "gatehouse:{revoked}:jti:1", "gatehouse:{revoked}:sub:ada"}));
}

TEST(JwtRedis, asks_each_time_where_nothing_is_to_be_remembered) {
  for (const char* config : {", cache_duration: 0", ", cache: false, cache_duration: 1h"}) {
    const Fixture fixture(config);
    const std::string once = token(R"(,"jti":"1")");
    EXPECT_EQ(fixture.ask(once), 200);
    fixture.redis->there = {{"gatehouse:{revoked}:jti:1", ""}};
    EXPECT_EQ(fixture.ask(once), 401) << config;
    EXPECT_EQ(fixture.asked(), 2u);
  }
}

TEST(JwtRedis, asks_again_by_the_clock_that_nobody_sets) {
  const Fixture fixture(", cache_duration: 1500ms");
  const std::string once = token(R"(,"jti":"1")");
  const TimePoint start = TimePoint() + std::chrono::hours(1);
  EXPECT_EQ(fixture.ask(once, start), 200);
  EXPECT_EQ(fixture.ask(once, start + std::chrono::milliseconds(1499)), 200);
  EXPECT_EQ(fixture.asked(), 1u);
  EXPECT_EQ(fixture.ask(once, start + std::chrono::milliseconds(1500)), 200);
  EXPECT_EQ(fixture.asked(), 2u);
}

/// Keeps the script that it is given.
class ScriptRedis : public FakeRedis {
 public:
  RedisScript script(std::string text) const override {
    kept = text;
    return FakeRedis::script(std::move(text));
  }
  mutable std::string kept;
};

TEST(JwtRedis, takes_what_is_no_text_for_no_time_and_so_all_tokens_for_revoked) {
  const Fixture fixture(", fault_tolerant: true");
  fixture.redis->there = {{"gatehouse:{revoked}:sub:ada", ""}};
  EXPECT_EQ(fixture.ask(token(R"(,"sub":"ada","iat":9999)")), 401);

  if (!test::RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  const auto scripts = std::make_shared<ScriptRedis>();
  const RedisRevocations revocations("{r}:", scripts);
  const test::RedisServer server;
  const std::unique_ptr<redisContext, decltype(&redisFree)> client(redisConnect("127.0.0.1", server.port()),
                                                                   &redisFree);
  const auto answer = [&](const char* key) {
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
        static_cast<redisReply*>(redisCommand(client.get(), "EVAL %s 2 {r}:jti %s", scripts->kept.c_str(), key)),
        &freeReplyObject);
    EXPECT_EQ(reply->type, REDIS_REPLY_ARRAY) << key;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) return std::string("no answer");
    return reply->element[1]->type == REDIS_REPLY_STRING ? "text " + std::string(reply->element[1]->str) : "none";
  };
  freeReplyObject(redisCommand(client.get(), "HSET {r}:hash 1000 1"));
  freeReplyObject(redisCommand(client.get(), "SET {r}:text 1000"));
  EXPECT_EQ(answer("{r}:hash"), "text ");
  EXPECT_EQ(answer("{r}:text"), "text 1000");
  EXPECT_EQ(answer("{r}:nothing"), "none");
}

TEST(JwtRedis, does_not_remember_a_refusal) {
  const Fixture fixture(", cache_duration: 1h");
  fixture.redis->there = {{"gatehouse:{revoked}:jti:1", "1"}};
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"1")")), 401);
  fixture.redis->there.clear();
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"1")")), 200);
}

TEST(JwtRedis, lets_nobody_pass_or_all_while_the_redis_does_not_say) {
  const Fixture strict, tolerant(", fault_tolerant: true, cache_duration: 0");
  for (const RedisError error : {RedisError{RedisError::Fault::unavailable}, RedisError{RedisError::Fault::timeout},
                                 RedisError{RedisError::Fault::server, "WRONGTYPE"}}) {
    for (const Fixture* fixture : {&strict, &tolerant})
      fixture->redis->answer = [error](const auto&) { return std::unexpected(error); };
    EXPECT_EQ(strict.ask(token(R"(,"jti":"1")")), 503);
    EXPECT_EQ(tolerant.ask(token(R"(,"jti":"1")")), 200);
    EXPECT_EQ(tolerant.ask(token(R"(,"jti":"1","exp":1)")), 401);
  }
  strict.redis->answer = [](const auto&) { return RedisReply{}; };
  EXPECT_EQ(strict.ask(token(R"(,"jti":"1")")), 503) << "no answer to the question";
}

TEST(JwtRedis, has_a_prefix_that_keeps_its_keys_in_one_slot) {
  EXPECT_EQ(testing::faults(kType, "{revoked_in_redis: true, redis_prefix: \"{shop}:revoked:\"}"), "");
  for (const char* prefix : {"revoked:", "{}:", "}a{", "{a"}) {
    EXPECT_THAT(testing::faults(kType, "{redis_prefix: \"" + std::string(prefix) + "\"}"), HasSubstr("hash tag"));
  }
  const Fixture fixture(", redis_prefix: \"{shop}:\"");
  EXPECT_EQ(fixture.ask(token(R"(,"jti":"1")")), 200);
  EXPECT_EQ(fixture.redis->asked.front()[1], "{shop}:jti:1");
}

}  // namespace
}  // namespace gatehouse::plugins::jwt
