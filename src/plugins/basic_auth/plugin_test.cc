#include <thread>

#include "base/base64.h"
#include "base/password_hash.h"
#include "plugins/basic_auth/basic_scheme.h"
#include "plugins/basic_auth/verified_passwords.h"
#include "plugins/testing/consumers.h"

namespace gatehouse::plugins::basic_auth {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;
using Found = BasicCredentials::Found;

// bcrypt of the least cost, "password".
constexpr const char* kHash = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";

std::string ada_alone() {
  return "[{username: ada, credentials: [{type: basic-auth, username: ada, password_hash: \"" + std::string(kHash) +
         "\"}]}]";
}

std::string ada_and_bob() {
  return "[{username: ada, credentials: [{type: basic-auth, username: ada, password_hash: \"" + std::string(kHash) +
         "\"}]}, {username: bob, credentials: [{type: basic-auth, username: bob, password: \"plain:word\"}]}]";
}

/// Takes work and runs it when told to, as another thread would.
class Later : public plugin::Offload {
 public:
  bool submit(unsigned, std::unique_ptr<plugin::Work> work) const override {
    if (full) return false;
    works.push_back(std::move(work));
    return true;
  }
  void run() const {
    for (auto& work : works) {
      std::thread([&work] { work->run(); }).join();
      work->finish();
    }
    works.clear();
  }
  bool full = false;
  mutable std::vector<std::unique_ptr<plugin::Work>> works;
};

struct Fixture {
  explicit Fixture(const std::string& config = "{}", const std::string& consumers = ada_and_bob()) {
    context.offloads = later;
    context.begin(testing::consumers(kType, consumers));
    plugin = build(kType, config, context);
  }
  std::shared_ptr<Later> later = std::make_shared<Later>();
  testing::FakeContext context;
  std::shared_ptr<const plugin::Plugin> plugin;
};

struct Login : Request {
  explicit Login(const std::string& pair, TimePoint now = {}) : value("Basic " + base64_encode(pair)) {
    header("Authorization", value);
    exchange.now = now;
  }
  std::string value;
};

Verdict login(const Fixture& fixture, const std::string& pair, TimePoint now = {}) {
  Login request(pair, now);
  return fixture.plugin->on_request(request.exchange);
}

BasicCredentials parse(std::string_view value, Arena& arena) {
  return parse_basic(value, arena);
}

TEST(BasicScheme, is_read_strictly) {
  Arena arena;
  const BasicCredentials good = parse("Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==", arena);
  EXPECT_EQ(good.found, Found::good);
  EXPECT_EQ(good.username, "Aladdin");
  EXPECT_EQ(good.password, "open:sesame") << "the first colon ends the name";
  EXPECT_EQ(parse("basic  QWxhZGRpbjpvcGVuOnNlc2FtZQ==", arena).found, Found::good);
  EXPECT_EQ(parse("Basic " + base64_encode("te\xc3\xa9:\xc2\xa3"), arena).found, Found::good);
  EXPECT_EQ(parse("Bearer QWxhZGRpbjpvcGVuOnNlc2FtZQ==", arena).found, Found::none);
  EXPECT_EQ(parse("Basically QWxhZGRpbjpvcGVuOnNlc2FtZQ==", arena).found, Found::none);
  EXPECT_EQ(parse("", arena).found, Found::none);
  for (const std::string& bytes :
       {std::string("no colon"), std::string("a:b\n"), std::string("a\0:b", 4), std::string("\xff:b"),
        std::string("a:\xc0\xaf"), std::string("a:\xed\xa0\x80"), std::string("a:\xc2\x85"), std::string("a:\xc3")})
    EXPECT_EQ(parse("Basic " + base64_encode(bytes), arena).found, Found::bad) << bytes;
  for (const char* value :
       {"Basic", "Basic ", "Basic YTpi ", "Basic YTpi YTpi", "Basic YTpi=", "Basic YTo", "Basic YTq=", "Basic YT-_"})
    EXPECT_EQ(parse(value, arena).found, Found::bad) << value;
}

TEST(BasicAuth, knows_who_has_the_password) {
  const Fixture fixture;
  for (const char* pair : {"ada:password", "bob:plain:word"}) {
    Login request(pair);
    EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::proceed) << pair;
    ASSERT_NE(request.exchange.consumer, nullptr) << pair;
    EXPECT_EQ(request.exchange.consumer->username, std::string(pair).substr(0, 3));
    EXPECT_EQ(request.exchange.credential_id, std::string(pair).substr(0, 3));
    EXPECT_FALSE(request.exchange.request.fields.has("Authorization")) << "it is taken out of what services get";
  }
  for (const char* pair :
       {"ada:Password", "ada:", "ada:plain:word", "bob:plain", "bob:password", "eve:password", ":", "ADA:password"})
    EXPECT_EQ(login(fixture, pair), Verdict::reply) << pair;
}

TEST(BasicAuth, gives_the_same_answer_whether_the_name_or_the_password_is_wrong) {
  const Fixture fixture("{realm: shop}");
  Login name("eve:password"), password("ada:passwork");
  fixture.plugin->on_request(name.exchange);
  fixture.plugin->on_request(password.exchange);
  EXPECT_EQ(name.exchange.refusal_message(), password.exchange.refusal_message());
  EXPECT_EQ(testing::lines(name.exchange.response.fields), testing::lines(password.exchange.response.fields));
  EXPECT_EQ(name.exchange.response.status, 401);
  EXPECT_EQ(name.exchange.response.fields.get("WWW-Authenticate"), "Basic realm=\"shop\", charset=\"UTF-8\"");
}

TEST(BasicAuth, hashes_off_the_workers_thread_and_remembers) {
  const Fixture fixture("{cache_duration: 60s}", ada_alone());
  Scheduler scheduler{TimePoint{}};
  Scope scope(scheduler);
  const auto ask = [&](const std::string& pair, TimePoint now) {
    Login request(pair, now);
    request.exchange.scope = &scope;
    const Verdict verdict = fixture.plugin->on_request(request.exchange);
    if (verdict != Verdict::suspend) return std::pair(verdict, false);
    Task<Verdict> task = fixture.plugin->on_request_async(request.exchange);
    task.start();
    EXPECT_FALSE(task.done());
    EXPECT_EQ(fixture.later->works.size(), 1u);
    fixture.later->run();
    scheduler.run_ready();
    EXPECT_TRUE(task.done());
    return std::pair(task.result(), true);
  };
  const TimePoint start{std::chrono::hours(1)};
  const auto s = [](int seconds) { return std::chrono::seconds(seconds); };
  EXPECT_EQ(ask("ada:password", start), std::pair(Verdict::proceed, true));
  EXPECT_EQ(ask("ada:password", start + s(59)), std::pair(Verdict::proceed, false));
  EXPECT_EQ(ask("ada:password", start + s(60)), std::pair(Verdict::proceed, true));
  EXPECT_EQ(ask("ada:wrong", start), std::pair(Verdict::reply, true));
  EXPECT_EQ(ask("ada:wrong", start + s(4)), std::pair(Verdict::reply, false));
  EXPECT_EQ(ask("ada:wrong", start + s(5)), std::pair(Verdict::reply, true));
  EXPECT_EQ(ask("eve:password", start), std::pair(Verdict::reply, true)) << "who is unknown takes as long";
}

TEST(BasicAuth, does_the_work_once_for_all_who_ask_the_same_and_bounds_what_one_name_may_ask) {
  const Fixture fixture("{}", ada_alone());
  Scheduler scheduler{TimePoint{}};
  Scope scope(scheduler);
  std::vector<std::unique_ptr<Login>> requests;
  std::vector<Task<Verdict>> tasks;
  for (const char* pair : {"ada:password", "ada:password", "ada:one", "ada:two", "bob:two"}) {
    Login& request = *requests.emplace_back(std::make_unique<Login>(pair));
    request.exchange.scope = &scope;
    ASSERT_EQ(fixture.plugin->on_request(request.exchange), Verdict::suspend);
    tasks.push_back(fixture.plugin->on_request_async(request.exchange));
    tasks.back().start();
  }
  EXPECT_EQ(fixture.later->works.size(), 3u) << "the same twice, one more of ada's, one of bob's";
  ASSERT_TRUE(tasks[3].done());
  EXPECT_EQ(requests[3]->exchange.response.status, 503);
  EXPECT_EQ(requests[3]->exchange.response.fields.get("Retry-After"), "1");
  fixture.later->run();
  while (scheduler.run_ready()) {
  }
  for (const std::size_t i : {0, 1, 2, 4}) ASSERT_TRUE(tasks[i].done()) << i;
  EXPECT_EQ(tasks[0].result(), Verdict::proceed);
  EXPECT_EQ(tasks[1].result(), Verdict::proceed);
  EXPECT_EQ(tasks[2].result(), Verdict::reply);
  EXPECT_EQ(tasks[4].result(), Verdict::reply);
}

TEST(BasicAuth, outlives_who_asked_and_what_it_was_configured_by) {
  auto fixture = std::make_unique<Fixture>();
  const std::shared_ptr<Later> later = fixture->later;
  Scheduler scheduler{TimePoint{}};
  Scope scope(scheduler);
  {
    Login request("ada:password");
    request.exchange.scope = &scope;
    ASSERT_EQ(fixture->plugin->on_request(request.exchange), Verdict::suspend);
    Task<Verdict> task = fixture->plugin->on_request_async(request.exchange);
    task.start();
  }
  fixture.reset();
  later->run();
  EXPECT_TRUE(later->works.empty());
}

TEST(BasicAuth, ends_with_its_exchange) {
  const Fixture fixture;
  Scheduler scheduler{TimePoint{}};
  Scope scope(scheduler);
  Login request("ada:password");
  request.exchange.scope = &scope;
  ASSERT_EQ(fixture.plugin->on_request(request.exchange), Verdict::suspend);
  Task<Verdict> task = fixture.plugin->on_request_async(request.exchange);
  task.start();
  scope.cancel(Reason::client_closed);
  scheduler.run_ready();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(request.exchange.reason, Reason::client_closed);
}

TEST(BasicAuth, refuses_where_the_queue_is_full) {
  const Fixture fixture;
  fixture.later->full = true;
  Scheduler scheduler{TimePoint{}};
  Scope scope(scheduler);
  Login request("ada:password");
  request.exchange.scope = &scope;
  ASSERT_EQ(fixture.plugin->on_request(request.exchange), Verdict::suspend);
  Task<Verdict> task = fixture.plugin->on_request_async(request.exchange);
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(request.exchange.reason, Reason::overloaded);
}

TEST(BasicAuth, remembers_by_the_hash_too) {
  VerifiedPasswords verified(1);
  Arena arena;
  const Sha256 key = verified.key("ada", kHash, "password", arena);
  EXPECT_NE(key, verified.key("ada", hash_password("other"), "password", arena));
  EXPECT_NE(key, verified.key("adap", kHash, "assword", arena));
  EXPECT_NE(key, VerifiedPasswords(1).key("ada", kHash, "password", arena)) << "each process has a salt of its own";
}

TEST(BasicAuth, with_no_users_lets_nobody_in) {
  const Fixture fixture("{}", "[]");
  EXPECT_EQ(login(fixture, "ada:password"), Verdict::reply);
  EXPECT_EQ(login(fixture, ":"), Verdict::reply);
}

}  // namespace
}  // namespace gatehouse::plugins::basic_auth
