#include "base/scheduler.h"
#include "jose/key_set.h"
#include "plugin/claims.h"
#include "plugin/document.h"
#include "plugins/jwt/revoked.h"
#include "plugins/testing/consumers.h"
#include "support/certificates.h"
#include "support/jwt.h"
#include "support/temp_dir.h"

namespace gatehouse::plugins::jwt {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using ::testing::HasSubstr;
using testing::Request;

// {"alg":"HS256"} {"iss":"shop","sub":"ada"}, and of "eve", signed with the secret of kConsumers.
constexpr std::string_view kAda =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzaG9wIiwic3ViIjoiYWRhIn0.4ue78Rs0WtmvJk3DWPchOP5zTBvXlYIZAMV9I3l4nXI";
constexpr std::string_view kEve =
    "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzaG9wIiwic3ViIjoiZXZlIn0.iJSZgLSBLRvFQjB-zEUrbKui3Gzh2R6yGgHS36Xq-_4";
const std::string kConsumers =
    "[{username: shop-app, credentials: [{type: jwt, key: shop, secret: a-secret-of-at-least-thirty-two-bytes}]}]";

struct Fixture {
  explicit Fixture(const std::string& config = "{}", const std::string& consumers = kConsumers) {
    context.begin(testing::consumers(kType, consumers));
    plugin = testing::build(kType, config, context);
  }
  /// "proceed", or the message of the refusal.
  std::string ask(Request& request) const {
    return plugin->on_request(request.exchange) == Verdict::proceed ? "proceed"
                                                                    : std::string(request.exchange.refusal_message());
  }
  std::string ask(std::string_view token) const {
    Request request;
    request.header("Authorization", request.exchange.arena.concat("Bearer ", token));
    return ask(request);
  }
  testing::FakeContext context;
  std::shared_ptr<const plugin::Plugin> plugin;
};

TEST(Jwt, knows_the_consumer_and_keeps_the_claims_to_the_exchanges_end) {
  const Fixture fixture;
  for (const char* what : {"looked at", "remembered"}) {
    Request request;
    request.header("Authorization", request.exchange.arena.concat("Bearer ", kAda));
    ASSERT_EQ(fixture.ask(request), "proceed") << what;
    EXPECT_EQ(request.exchange.consumer->username, "shop-app");
    EXPECT_EQ(request.exchange.credential_id, "shop");
    ASSERT_NE(request.exchange.claims, nullptr);
    EXPECT_EQ(request.exchange.claims->text("sub", request.exchange.arena), "ada") << what;
  }
}

TEST(Jwt, a_remembered_token_is_that_token_and_no_other) {
  const Fixture fixture;
  EXPECT_EQ(fixture.ask(kAda), "proceed");
  for (std::size_t i = 0; i < kAda.size(); ++i) {
    std::string changed(kAda);
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(fixture.ask(changed), "proceed") << i;
  }
  EXPECT_EQ(fixture.ask(kEve), "proceed");
  EXPECT_EQ(fixture.ask(kAda), "proceed");
}

TEST(Jwt, of_two_tokens_in_one_place_neither_counts) {
  const Fixture fixture;
  Request request;
  request.header("Authorization", request.exchange.arena.concat("Bearer ", kAda));
  request.header("Authorization", request.exchange.arena.concat("Bearer ", kEve));
  EXPECT_EQ(fixture.ask(request), "more than one token was sent");
}

TEST(Jwt, says_in_the_challenge_whether_a_token_was_bad) {
  const Fixture fixture("{realm: shop}");
  Request none, bad;
  fixture.ask(none);
  EXPECT_EQ(none.exchange.response.fields.get("WWW-Authenticate"), "Bearer realm=\"shop\"");
  bad.header("Authorization", "Bearer x.y.z");
  fixture.ask(bad);
  EXPECT_EQ(bad.exchange.response.fields.get("WWW-Authenticate"), "Bearer realm=\"shop\", error=\"invalid_token\"");
}

TEST(Jwt, reads_secrets_in_base64_where_it_is_told_so) {
  // The secret's text is the base64 of what signs.
  const std::string consumers =
      "[{username: a, credentials: [{type: jwt, key: coded, "
      "secret: YS1zZWNyZXQtb2YtYXQtbGVhc3QtdGhpcnR5LXR3by1ieXRlcw==}]}]";
  const std::string_view token =
      "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJjb2RlZCIsInN1YiI6ImFkYSJ9.nShhahrbcEQ7SoGpjP_YVnZxg-8WoX6-Zpkye3SWL0s";
  EXPECT_EQ(Fixture("{secret_is_base64: true}", consumers).ask(token), "proceed");
  EXPECT_EQ(Fixture("{}", consumers).ask(token), "the signature is not good");
}

TEST(Jwt, keys_that_are_fetched_are_asked_for_as_the_issuer_says) {
  Fixture fixture(
      "{issuers: [{issuer: \"https://id.test/\"}, {issuer: b, jwks_url: \"https://b.test/k\", timeout: 1s}]}");
  ASSERT_EQ(fixture.context.documents.size(), 2u);
  EXPECT_EQ(fixture.context.documents[0].url, "https://id.test/.well-known/openid-configuration");
  EXPECT_EQ(fixture.context.documents[1].url, "https://b.test/k");
  EXPECT_EQ(fixture.context.documents[1].timeout, std::chrono::seconds(1));
  const auto other = fixture.context.documents[0].read(R"({"issuer":"https://x.test","jwks_uri":"https://x.test/k"})");
  EXPECT_THAT(other.error, HasSubstr("another issuer"));
  EXPECT_EQ(fixture.context.documents[0].read(R"({"issuer":"https://id.test/","jwks_uri":"https://id.test/k"})").next,
            "https://id.test/k");
  EXPECT_NE(fixture.context.documents[1].read("{}").error, "");
}

TEST(Jwt, reads_as_many_keys_of_an_issuer_as_there_may_be) {
  Fixture fixture("{issuers: [{issuer: a, jwks_url: \"https://a.test/k\"}]}");
  const test::SigningKey key = test::SigningKey::ed25519();
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(key.jwk("\"use\":\"sig\",\"kid\":\"" + std::to_string(i) + "\""));
  const plugin::DocumentContent content = fixture.context.documents.at(0).read(test::jwks(keys));
  EXPECT_EQ(content.error, "");
  ASSERT_NE(content.value, nullptr);
  EXPECT_EQ(static_cast<const jose::KeySet*>(content.value.get())->keys().size(), 1000u);
}

TEST(Jwt, quotes_little_of_what_an_issuer_says) {
  Fixture fixture("{issuers: [{issuer: \"https://a.test\"}]}");
  const std::string other = "https://" + std::string(100'000, 'b') + "?secret";
  const plugin::DocumentContent content =
      fixture.context.documents.at(0).read(R"({"jwks_uri":"https://a.test/k","issuer":")" + other + "\"}");
  EXPECT_THAT(content.error, HasSubstr("another issuer: https://bbb"));
  EXPECT_LT(content.error.size(), 300u);
}

TEST(Jwt, believes_whom_a_file_beside_its_own_names) {
  const test::TempDir files;
  const test::TestCa ca(files.path());
  config::Diagnostics out;
  const config::Node node =
      config::parse_document("issuers: [{issuer: \"https://a.test\", ca: ca.pem}]", files.file("gateway.yaml"), out);
  kType.info().check(&node, "config", node.mark(), out);
  EXPECT_EQ(out.text(), "");
  testing::FakeContext context;
  context.begin(testing::consumers(kType, "[]"));
  const auto plugin = kType.make(&node, context);
  EXPECT_EQ(context.documents.at(0).ca, files.file("ca.pem"));
}

/// Cannot be had: while it is asked for, the client goes.
class LostDocument : public plugin::Document {
 public:
  const std::shared_ptr<const void>& current(unsigned) const override { return none_; }
  bool may_renew(const plugin::Exchange&) const override { return true; }
  Task<void> renew(plugin::Exchange& x) const override {
    x.scope->cancel(Reason::client_closed);
    co_return;
  }

 private:
  const std::shared_ptr<const void> none_;
};

TEST(Jwt, ends_with_a_client_that_leaves_while_keys_are_fetched) {
  Scheduler scheduler{TimePoint()};
  Scope scope(scheduler);
  testing::FakeContext context;
  context.fetched = std::make_shared<LostDocument>();
  context.begin(testing::consumers(kType, "[]"));
  const auto plugin = testing::build(kType, "{issuers: [{issuer: shop, jwks_url: \"https://a.test/k\"}]}", context);
  Request request;
  request.exchange.scope = &scope;
  request.header("Authorization", request.exchange.arena.concat("Bearer ", kAda));
  ASSERT_EQ(plugin->on_request(request.exchange), Verdict::suspend);
  Task<Verdict> task = plugin->on_request_async(request.exchange);
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.result(), Verdict::reply);
  EXPECT_EQ(request.exchange.reason, Reason::client_closed);
}

// ---- what is revoked ----

Revoked revoked(const std::string& yaml) {
  config::Diagnostics out;
  Revoked list;
  const config::Node node = testing::parse(yaml, out);
  revoked_list().impl->decode(node, config::Where(out, "revoked", node.mark()), &list);
  EXPECT_EQ(out.text(), "");
  return list;
}
bool is_revoked(const Revoked& list, std::string_view claims) {
  Arena arena;
  return list.contains(*jose::parse_claims(claims, arena), arena);
}

TEST(Revoked, is_by_id_or_by_subject_and_time) {
  const Revoked list = revoked("{jti: [a, 7], sub: {ada: 1000}}");
  EXPECT_TRUE(is_revoked(list, R"({"jti":"a"})"));
  EXPECT_TRUE(is_revoked(list, R"({"jti":7})"));
  EXPECT_FALSE(is_revoked(list, R"({"jti":"b"})"));
  EXPECT_TRUE(is_revoked(list, R"({"sub":"ada","iat":999.5})"));
  EXPECT_FALSE(is_revoked(list, R"({"sub":"ada","iat":1000})"));
  EXPECT_TRUE(is_revoked(list, R"({"sub":"ada"})")) << "nobody knows when it was issued";
  EXPECT_FALSE(is_revoked(list, R"({"sub":"eve"})"));
}

TEST(Revoked, may_be_a_text_that_is_the_same) {
  EXPECT_TRUE(is_revoked(revoked("\"jti:\\n- a\\n\""), R"({"jti":"a"})"));
  EXPECT_TRUE(revoked("\"# nobody yet\"").empty());
}

}  // namespace
}  // namespace gatehouse::plugins::jwt
