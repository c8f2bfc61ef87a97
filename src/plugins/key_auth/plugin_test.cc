#include "plugins/key_auth/key_table.h"
#include "plugins/testing/consumers.h"

namespace gatehouse::plugins::key_auth {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using ::testing::HasSubstr;
using testing::Request;

struct Fixture {
  explicit Fixture(const std::string& config = "{}", const std::string& consumers = kTwo) {
    context.begin(testing::consumers(kType, consumers));
    plugin = testing::build(kType, config, context);
  }
  /// The username, or the message of the refusal.
  std::string who(Request& request) const {
    if (plugin->on_request(request.exchange) != Verdict::proceed)
      return std::string(request.exchange.refusal_message());
    return request.exchange.consumer != nullptr ? request.exchange.consumer->username : "nobody";
  }
  std::string who(std::string_view key) const {
    Request request;
    request.header("X-API-Key", key);
    return who(request);
  }
  static constexpr const char* kTwo =
      "[{username: ada, credentials: [{type: key-auth, key: one}]},"
      " {username: bob, credentials: [{type: key-auth, key: two}, {type: key-auth, key: three}]}]";
  testing::FakeContext context;
  std::shared_ptr<const plugin::Plugin> plugin;
};

TEST(KeyAuth, knows_each_key_and_no_part_of_one) {
  const Fixture fixture;
  EXPECT_EQ(fixture.who("one"), "ada");
  EXPECT_EQ(fixture.who("two"), "bob");
  EXPECT_EQ(fixture.who("three"), "bob");
  for (const char* key : {"on", "onee", "ONE", "one ", "twothree"}) EXPECT_EQ(fixture.who(key), "the key is not known");
  EXPECT_EQ(fixture.who(""), "no credential was found");
}

TEST(KeyAuth, finds_each_of_many) {
  std::string consumers = "[";
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    consumers += "{username: u" + number + ", credentials: [{type: key-auth, key: k" + number + "}]},";
  }
  const Fixture fixture("{}", consumers + "]");
  for (int i = 0; i < 3000; ++i) EXPECT_EQ(fixture.who("k" + std::to_string(i)), "u" + std::to_string(i));
  EXPECT_EQ(fixture.who("k3000"), "the key is not known");
}

TEST(KeyAuth, says_nothing_of_a_key_that_stands_where_its_hash_should) {
  config::Diagnostics out;
  kType.info().credential->check(testing::parse("{key_hash: plain-and-secret}", out), "credential", out);
  EXPECT_THAT(out.text(), HasSubstr("credential.key_hash: must be \"sha256:\""));
  EXPECT_THAT(out.text(), ::testing::Not(HasSubstr("plain-and-secret")));
}

TEST(KeyAuth, takes_little_memory_to_hide_a_cookie_among_thousands) {
  const Fixture fixture("{key_in_cookie: true}");
  std::string cookies = "apikey=one", left;
  for (int i = 0; i < 15'000; ++i) {
    cookies += ";a";
    left += i == 0 ? "a" : "; a";
  }
  Request request;
  request.header("Cookie", cookies);
  std::vector<char> room(4 * cookies.size());
  request.exchange.arena.adopt(room.data(), room.size());
  EXPECT_EQ(fixture.who(request), "ada");
  const std::string_view kept = request.exchange.request.fields.get("Cookie");
  EXPECT_EQ(kept, left);
  EXPECT_TRUE(kept.data() >= room.data() && kept.data() < room.data() + room.size()) << "it needs no more room";
}

TEST(KeyAuth, takes_the_key_out_of_the_request_unless_it_is_to_stay) {
  Request hidden, kept;
  for (Request* request : {&hidden, &kept}) {
    request->header("X-API-Key", "one");
    request->query("a=1");
  }
  EXPECT_EQ(Fixture().who(hidden), "ada");
  EXPECT_EQ(Fixture("{hide_credentials: false}").who(kept), "ada");
  EXPECT_TRUE(testing::lines(hidden.exchange.request.fields).empty());
  EXPECT_FALSE(testing::lines(kept.exchange.request.fields).empty());
}

TEST(KeyAuth, two_keys_in_one_request_are_refused_whichever_is_good) {
  Request request;
  request.header("X-API-Key", "one");
  request.header("X-API-Key", "two");
  EXPECT_EQ(Fixture().who(request), "more than one key was sent");
}

TEST(KeyAuth, tells_nobody_a_key) {
  config::Diagnostics out;
  const config::Node written = testing::parse("{key: very-secret}", out);
  const config::CredentialInfo info = *kType.info().credential;
  EXPECT_THAT(config::to_yaml(info.effective(written)), ::testing::Not(HasSubstr("very-secret")));
  EXPECT_THAT(info.name(written).shown, ::testing::Not(HasSubstr("very-secret")));
}

}  // namespace
}  // namespace gatehouse::plugins::key_auth
