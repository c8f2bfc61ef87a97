#include "discovery/dns.h"

#include <gmock/gmock.h>

#include "io/scripted_dns_test.h"

namespace gatehouse::discovery {
namespace {

using io::Reactor;
using io::test::Question;
using io::test::RecordType;
using io::test::Reply;
using io::test::ScriptedDns;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr unsigned kServerFailure = 2;
constexpr unsigned kNoSuchName = 3;

using Answers = std::vector<std::string>;

/// The IPv4 addresses of the name, all with that TTL; no IPv6.
ScriptedDns::Script addresses(std::vector<std::string> texts, std::uint32_t ttl) {
  return [=](const Question& question) {
    Reply reply(question);
    if (question.type == RecordType::a) {
      for (const std::string& text : texts) reply.address(text, ttl);
    }
    return Answers{reply.bytes()};
  };
}
ScriptedDns::Script failure(unsigned code) {
  return [=](const Question& question) { return Answers{Reply(question).code(code).bytes()}; };
}

/// A watch whose clock is moved by hand: the wheel believes what advance() says, and sockets are looked at in between.
struct Watched {
  explicit Watched(ScriptedDns::Script script)
      : server(reactor, std::move(script)), resolver(reactor, server.address(), 30s), watch(make()) {}

  std::unique_ptr<DnsWatch> make(const std::string& name = "shop.test") {
    return std::make_unique<DnsWatch>(reactor, resolver, name,
                                      [this](const std::vector<IpAddress>& now, const std::string& why) {
                                        ++changes;
                                        known.clear();
                                        for (const IpAddress& address : now) known.push_back(address.text());
                                        error = why;
                                      });
  }

  /// Runs turns of the loop until the server has been asked `times` times and the watch has dealt with the answer.
  void settle(int times) {
    for (int i = 0; i < 10'000 && !(server.asked(RecordType::a) >= times && turns_since_asked > 20); ++i) {
      const int before = server.asked(RecordType::a);
      reactor.post([this] { reactor.stop(); });
      reactor.run();
      turns_since_asked = server.asked(RecordType::a) == before ? turns_since_asked + 1 : 0;
    }
    turns_since_asked = 0;
    EXPECT_EQ(server.asked(RecordType::a), times);
  }

  /// Lets time pass at once.
  void pass(Duration time) { reactor.scheduler().advance(reactor.now() + time); }

  Reactor reactor;
  ScriptedDns server;
  io::Resolver resolver;
  int changes = 0;
  std::vector<std::string> known;
  std::string error;
  int turns_since_asked = 0;
  std::unique_ptr<DnsWatch> watch;
};

TEST(DnsWatch, tells_the_first_answer_sorted) {
  Watched names(addresses({"192.0.2.9", "192.0.2.1", "192.0.2.5"}, 60));
  EXPECT_EQ(names.watch->name(), "shop.test");
  EXPECT_EQ(names.changes, 0) << "the answer comes from the loop";
  names.settle(1);
  EXPECT_EQ(names.changes, 1);
  EXPECT_THAT(names.known, ElementsAre("192.0.2.1", "192.0.2.5", "192.0.2.9"));
  EXPECT_EQ(names.error, "");
}

TEST(DnsWatch, asks_again_when_the_ttl_is_over_and_not_before) {
  Watched names(addresses({"192.0.2.1"}, 60));
  names.settle(1);
  names.server.script = addresses({"192.0.2.2"}, 60);
  names.pass(59s);
  names.settle(1);
  EXPECT_THAT(names.known, ElementsAre("192.0.2.1"));
  names.pass(1100ms);
  names.settle(2);
  EXPECT_THAT(names.known, ElementsAre("192.0.2.2"));
  EXPECT_EQ(names.changes, 2);
}

TEST(DnsWatch, is_silent_when_only_the_order_changes) {
  Watched names(addresses({"192.0.2.1", "192.0.2.2"}, 10));
  names.settle(1);
  names.server.script = addresses({"192.0.2.2", "192.0.2.1"}, 10);
  names.pass(11s);
  names.settle(2);
  EXPECT_EQ(names.changes, 1);
}

TEST(DnsWatch, a_failure_keeps_the_addresses_and_is_told_once) {
  Watched names(addresses({"192.0.2.1"}, 10));
  names.settle(1);
  names.server.script = failure(kServerFailure);
  names.pass(11s);
  names.settle(3);  // both tries
  EXPECT_THAT(names.known, ElementsAre("192.0.2.1"));
  EXPECT_NE(names.error, "");
  EXPECT_EQ(names.changes, 2);
  names.pass(DnsWatch::kRetry + 100ms);
  names.settle(5);
  EXPECT_EQ(names.changes, 2) << "the same failure again is no change";
  names.server.script = addresses({"192.0.2.1"}, 10);
  names.pass(DnsWatch::kRetry + 100ms);
  names.settle(6);
  EXPECT_EQ(names.changes, 3) << "the end of a failure is a change of the error";
  EXPECT_EQ(names.error, "");
}

TEST(DnsWatch, a_name_that_ceases_to_exist_loses_its_addresses) {
  Watched names(addresses({"192.0.2.1"}, 10));
  names.settle(1);
  names.server.script = failure(kNoSuchName);
  names.pass(11s);
  names.settle(2);
  EXPECT_THAT(names.known, IsEmpty());
  EXPECT_EQ(names.error, io::kNoSuchHost);
}

TEST(DnsWatch, a_first_failure_is_told_and_tried_again_after_kRetry) {
  Watched names(failure(kNoSuchName));
  names.settle(1);
  EXPECT_EQ(names.changes, 1);
  EXPECT_THAT(names.known, IsEmpty());
  EXPECT_EQ(names.error, io::kNoSuchHost);
  names.server.script = addresses({"192.0.2.1"}, 60);
  names.pass(DnsWatch::kRetry - 200ms);
  names.settle(1);
  names.pass(300ms);
  names.settle(2);
  EXPECT_THAT(names.known, ElementsAre("192.0.2.1"));
  EXPECT_EQ(names.error, "");
}

TEST(DnsWatch, a_ttl_of_zero_is_kMinTtl) {
  Watched names(addresses({"192.0.2.1"}, 0));
  names.settle(1);
  names.pass(DnsWatch::kMinTtl - 200ms);
  names.settle(1);
  names.pass(300ms);
  names.settle(2);
}

TEST(DnsWatch, a_ttl_of_days_is_kMaxTtl) {
  Watched names(addresses({"192.0.2.1"}, 400'000));
  names.settle(1);
  names.pass(DnsWatch::kMaxTtl - 2s);
  names.settle(1);
  names.pass(3s);
  names.settle(2);
}

TEST(DnsWatch, destroyed_while_it_waits_for_an_answer_it_says_nothing) {
  Watched names(addresses({"192.0.2.1"}, 60));
  names.watch = nullptr;
  names.settle(1);
  EXPECT_EQ(names.changes, 0);
}

TEST(DnsWatch, destroyed_it_asks_no_more) {
  Watched names(addresses({"192.0.2.1"}, 10));
  names.settle(1);
  names.watch = nullptr;
  names.pass(60s);
  names.settle(1);
}

TEST(DnsWatch, a_name_of_the_hosts_file_is_known_without_a_server) {
  Watched names(failure(kServerFailure));
  names.watch = names.make("localhost");
  for (int i = 0; i < 1000 && names.changes == 0; ++i) {
    names.reactor.post([&] { names.reactor.stop(); });
    names.reactor.run();
  }
  EXPECT_THAT(names.known, testing::Contains("127.0.0.1"));
  EXPECT_EQ(names.error, "");
}

}  // namespace
}  // namespace gatehouse::discovery
