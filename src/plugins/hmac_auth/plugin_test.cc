#include "base/base64.h"
#include "base/clock.h"
#include "base/hmac.h"
#include "plugins/testing/consumers.h"

namespace gatehouse::plugins::hmac_auth {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

constexpr const char* kSecret = "only an example of a secret";

struct Fixture {
  explicit Fixture(const std::string& config = "{}") {
    context.begin(testing::consumers(
        kType, "[{username: ada, credentials: [{type: hmac-auth, username: ada-1, secret: \"" + std::string(kSecret) +
                   "\"}]}, {username: bob, credentials: [{type: hmac-auth, username: bob, secret: \"another one than "
                   "that\"}]}]"));
    plugin = testing::build(kType, config, context);
  }
  testing::FakeContext context;
  std::shared_ptr<const plugin::Plugin> plugin;
};

/// Signed now: the tests that need a time of their own are beside the schemes.
struct Signed : Request {
  explicit Signed(const std::string& keyid = "ada-1") {
    const std::string input = "(\"@method\" \"@target-uri\");created=" + std::to_string(wall_clock_us() / 1'000'000) +
                              ";keyid=\"" + keyid + "\"";
    const std::string base =
        "\"@method\": GET\n\"@target-uri\": http://gateway.test/path?a=1\n\"@signature-params\": " + input;
    header("Signature-Input", exchange.arena.copy("s=" + input));
    header("Signature",
           exchange.arena.copy("s=:" + base64_encode(HmacKey(HashKind::sha256, kSecret).sign(base).view()) + ":"));
  }
};

TEST(HmacAuth, knows_who_signed) {
  const Fixture fixture;
  Signed request;
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::proceed) << request.exchange.refusal_message();
  ASSERT_NE(request.exchange.consumer, nullptr);
  EXPECT_EQ(request.exchange.consumer->username, "ada");
  EXPECT_EQ(request.exchange.credential_id, "ada-1");
  EXPECT_FALSE(request.exchange.request.fields.has("Signature"));
  EXPECT_FALSE(request.exchange.request.fields.has("Signature-Input"));
  for (const char* other : {"bob", "eve", "ada"}) {
    Signed wrong(other);
    EXPECT_EQ(fixture.plugin->on_request(wrong.exchange), Verdict::reply) << other;
    EXPECT_EQ(wrong.exchange.refusal_message(), "the signature is wrong") << other;
  }
}

TEST(HmacAuth, refuses_what_is_not_signed) {
  const Fixture fixture("{realm: shop}"), kong("{scheme: kong}");
  Request request;
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 401);
  EXPECT_EQ(request.exchange.response.fields.get("WWW-Authenticate"), "Signature realm=\"shop\"");
  Signed other;
  EXPECT_EQ(kong.plugin->on_request(other.exchange), Verdict::reply) << "a signature by the other scheme is none";
}

TEST(HmacAuth, leaves_the_signature_where_services_want_it) {
  const Fixture fixture("{hide_credentials: false}");
  Signed request;
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::proceed);
  EXPECT_TRUE(request.exchange.request.fields.has("Signature"));
}

TEST(HmacAuth, refuses_options_of_the_other_scheme_and_warns_of_weak_secrets) {
  EXPECT_EQ(faults(kType, "{}"), "");
  EXPECT_EQ(faults(kType, "{scheme: kong, algorithms: [hmac-sha1], enforce_headers: [date, request-line]}"), "");
  EXPECT_EQ(faults(kType, "{algorithms: [hmac-sha256, hmac-sha384, hmac-sha512]}"), "") << "the defaults are no fault";
  EXPECT_THAT(faults(kType, "{algorithms: [hmac-sha256]}"), HasSubstr("config.algorithms: needs \"scheme: kong\""));
  EXPECT_THAT(faults(kType, "{scheme: kong, required_components: date}"),
              HasSubstr("needs \"scheme: http-signatures\""));
  EXPECT_THAT(faults(kType, "{required_components: [\"@status\"]}"),
              HasSubstr("must be a field's name in lower case, or @method"));
  config::Diagnostics out;
  kType.info().credential->check(testing::parse("{username: a, secret: short}", out), "credential", out);
  EXPECT_THAT(out.text(), HasSubstr("less than 16 bytes can be guessed"));
  EXPECT_EQ(out.error_count(), 0u);
}

}  // namespace
}  // namespace gatehouse::plugins::hmac_auth
