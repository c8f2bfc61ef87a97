#include "io/resolver.h"

#include <gmock/gmock.h>

#include "io/scripted_dns_test.h"

namespace gatehouse::io {
namespace {

using test::Question;
using test::RecordType;
using test::Reply;
using test::ScriptedDns;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr unsigned kServerFailure = 2;
constexpr unsigned kNoSuchName = 3;
/// Far more than a test needs, so that an answer which was not noticed shows as a failure.
constexpr Duration kLongTry = 30s;

using Script = ScriptedDns::Script;
using Answers = std::vector<std::string>;

/// A and AAAA of whatever is asked.
Answers both_families(const Question& question) {
  const char* const address = question.type == RecordType::a ? "192.0.2.7" : "2001:db8::7";
  return {Reply(question).address(address, 300).bytes()};
}

struct Names {
  explicit Names(Script script, Duration first_try = kLongTry)
      : server(reactor, std::move(script)), resolver(reactor, server.address(), first_try) {}

  Resolution look_up(const std::string& name) {
    Resolution result;
    int calls = 0;
    resolver.resolve(name, [&](Resolution found) {
      ++calls;
      result = std::move(found);
      reactor.stop();
    });
    EXPECT_EQ(calls, 0) << "the answer must come from the loop";
    EXPECT_TRUE(test::run_for(reactor)) << "no answer";
    EXPECT_EQ(calls, 1);
    return result;
  }

  Reactor reactor;
  ScriptedDns server;
  Resolver resolver;
};

std::vector<std::string> texts(const Resolution& resolution) {
  std::vector<std::string> all;
  for (const IpAddress& address : resolution.addresses) all.push_back(address.text());
  return all;
}

TEST(Resolver, gives_both_families_and_the_smallest_ttl) {
  Names names([](const Question& question) {
    const bool v4 = question.type == RecordType::a;
    if (!v4) return Answers{Reply(question).address("2001:db8::7", 50).bytes()};
    return Answers{Reply(question).address("192.0.2.7", 40).address("192.0.2.8", 300).bytes()};
  });
  const Resolution found = names.look_up("shop.test");
  EXPECT_THAT(texts(found), UnorderedElementsAre("192.0.2.7", "192.0.2.8", "2001:db8::7"));
  EXPECT_EQ(found.ttl, 40s);
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(names.server.asked(RecordType::a), 1);
  EXPECT_EQ(names.server.asked(RecordType::aaaa), 1);
}

TEST(Resolver, an_alias_counts_with_its_own_ttl) {
  Names names([](const Question& question) {
    Reply reply(question);
    if (question.type == RecordType::a) reply.alias("edge", 12, "192.0.2.9", 600);
    return Answers{reply.bytes()};
  });
  const Resolution found = names.look_up("shop.test");
  EXPECT_THAT(texts(found), UnorderedElementsAre("192.0.2.9"));
  EXPECT_EQ(found.ttl, 12s);
}

TEST(Resolver, a_ttl_of_zero_is_told_from_none) {
  Names names([](const Question& question) {
    return Answers{question.type == RecordType::a ? Reply(question).address("192.0.2.7", 0).bytes()
                                                  : Reply(question).bytes()};
  });
  EXPECT_EQ(names.look_up("shop.test").ttl, 1s);
  EXPECT_EQ(names.look_up("localhost").ttl, 0s);
}

TEST(Resolver, one_family_is_enough) {
  Names names([](const Question& question) {
    if (question.type == RecordType::a) return Answers{Reply(question).bytes()};
    return Answers{Reply(question).address("2001:db8::1", 60).bytes()};
  });
  const Resolution found = names.look_up("six.test");
  EXPECT_THAT(texts(found), UnorderedElementsAre("2001:db8::1"));
  EXPECT_EQ(found.error, "");
}

TEST(Resolver, a_name_that_does_not_exist_is_no_such_host) {
  Names names([](const Question& question) { return Answers{Reply(question).code(kNoSuchName).bytes()}; });
  const Resolution found = names.look_up("nowhere.test");
  EXPECT_THAT(found.addresses, IsEmpty());
  EXPECT_EQ(found.error, kNoSuchHost);
}

TEST(Resolver, a_name_without_an_address_is_no_such_host) {
  Names names([](const Question& question) { return Answers{Reply(question).bytes()}; });
  EXPECT_EQ(names.look_up("mail-only.test").error, kNoSuchHost);
}

TEST(Resolver, a_failing_server_is_an_error_but_not_no_such_host) {
  Names names([](const Question& question) { return Answers{Reply(question).code(kServerFailure).bytes()}; });
  const Resolution found = names.look_up("shop.test");
  EXPECT_THAT(found.addresses, IsEmpty());
  EXPECT_NE(found.error, "");
  EXPECT_NE(found.error, kNoSuchHost);
}

TEST(Resolver, a_server_that_says_nothing_is_asked_twice_and_then_a_timeout) {
  Names names([](const Question&) { return Answers{}; }, 20ms);
  const Resolution found = names.look_up("shop.test");
  EXPECT_THAT(found.error, testing::HasSubstr("imeout"));
  EXPECT_EQ(names.server.asked(RecordType::a), 2);
  EXPECT_EQ(names.server.asked(RecordType::aaaa), 2);
}

TEST(Resolver, a_lost_answer_is_asked_for_again) {
  int dropped = 0;
  Names names([&](const Question& question) { return dropped++ < 2 ? Answers{} : both_families(question); }, 20ms);
  EXPECT_THAT(texts(names.look_up("shop.test")), UnorderedElementsAre("192.0.2.7", "2001:db8::7"));
}

TEST(Resolver, a_truncated_answer_is_asked_for_over_tcp) {
  for (const bool drips : {false, true}) {
    Names names([](const Question& question) {
      return question.over_tcp ? both_families(question) : Answers{Reply(question).truncated().bytes()};
    });
    names.server.drips = drips;
    EXPECT_THAT(texts(names.look_up("large.test")), UnorderedElementsAre("192.0.2.7", "2001:db8::7"))
        << "byte by byte: " << drips;
    EXPECT_EQ(names.server.asked_over_tcp(), 2);
  }
}

TEST(Resolver, garbage_before_the_answer_is_passed_over) {
  Names names([](const Question& question) {
    Question other = question;
    other.id = question.id == "zz" ? "yy" : "zz";
    Answers answers{"", "x", std::string(600, '\xff'), Reply(other).address("203.0.113.66", 60).bytes()};
    for (const std::string& answer : both_families(question)) answers.push_back(answer);
    return answers;
  });
  EXPECT_THAT(texts(names.look_up("shop.test")), UnorderedElementsAre("192.0.2.7", "2001:db8::7"));
}

TEST(Resolver, an_answer_that_cannot_be_read_is_an_error) {
  const std::vector<std::function<std::string(const std::string&)>> spoil{
      [](const std::string& reply) { return reply.substr(0, reply.size() - 7); },
      [](const std::string& reply) { return reply.substr(0, 12); },
      [](const std::string& reply) { return reply.substr(0, 6) + "\xff\xff" + reply.substr(8); },
      [](std::string reply) {  // the record's name points to itself
        const std::size_t at = reply.find("\xc0\x0c");
        reply[at + 1] = static_cast<char>(at);
        return reply;
      },
  };
  for (std::size_t i = 0; i < spoil.size(); ++i) {
    Names names([&](const Question& question) { return Answers{spoil[i](both_families(question).front())}; }, 20ms);
    const Resolution found = names.look_up("shop.test");
    EXPECT_THAT(found.addresses, IsEmpty()) << i;
    EXPECT_NE(found.error, "") << i;
    EXPECT_EQ(names.look_up("localhost").error, "") << i;
  }
}

TEST(Resolver, a_port_where_nobody_answers_is_an_error) {
  Reactor reactor;
  std::string address;
  {
    ScriptedDns gone(reactor, both_families);
    address = gone.address();
  }
  Resolver resolver(reactor, address, 20ms);
  Resolution result;
  resolver.resolve("shop.test", [&](Resolution found) {
    result = std::move(found);
    reactor.stop();
  });
  ASSERT_TRUE(test::run_for(reactor));
  EXPECT_NE(result.error, "");
  EXPECT_NE(result.error, kNoSuchHost);
}

TEST(Resolver, localhost_and_addresses_need_no_server) {
  Names names(both_families);
  EXPECT_THAT(texts(names.look_up("localhost")), testing::Contains("127.0.0.1"));
  EXPECT_THAT(texts(names.look_up("192.0.2.44")), UnorderedElementsAre("192.0.2.44"));
  EXPECT_THAT(texts(names.look_up("2001:db8::44")), UnorderedElementsAre("2001:db8::44"));
  EXPECT_EQ(names.server.asked(RecordType::a) + names.server.asked(RecordType::aaaa), 0);
}

TEST(Resolver, many_names_at_once_each_get_their_own_answer) {
  Names names([](const Question& question) {
    const std::string number = question.name.substr(1, question.name.find('.') - 1);
    if (question.type == RecordType::aaaa) return Answers{Reply(question).bytes()};
    return Answers{Reply(question).address("198.51.100." + number, 60).bytes()};
  });
  int left = 100;
  for (int i = 0; i < 100; ++i) {
    names.resolver.resolve("n" + std::to_string(i) + ".test", [&, i](Resolution found) {
      EXPECT_THAT(texts(found), UnorderedElementsAre("198.51.100." + std::to_string(i)));
      if (--left == 0) names.reactor.stop();
    });
  }
  EXPECT_TRUE(test::run_for(names.reactor));
  EXPECT_EQ(left, 0);
}

TEST(Resolver, destroyed_it_calls_nobody) {
  Reactor reactor;
  ScriptedDns server(reactor, [](const Question&) { return Answers{}; });
  int calls = 0;
  {
    Resolver resolver(reactor, server.address());
    for (const char* name : {"shop.test", "localhost", "other.test"})
      resolver.resolve(name, [&](Resolution) { ++calls; });
  }
  reactor.post([&] { reactor.stop(); });
  ASSERT_TRUE(test::run_for(reactor));
  EXPECT_EQ(calls, 0);
}

TEST(Resolver, may_be_destroyed_by_the_answer_and_then_calls_nobody_else) {
  Reactor reactor;
  auto resolver = std::make_unique<Resolver>(reactor);
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    resolver->resolve("localhost", [&](Resolution) {
      ++calls;
      resolver.reset();
      reactor.stop();
    });
  }
  ASSERT_TRUE(test::run_for(reactor));
  EXPECT_EQ(calls, 1);
}

TEST(Resolver, an_answer_may_ask_again) {
  Names names(both_families);
  int calls = 0;
  std::function<void()> ask = [&] {
    names.resolver.resolve(calls % 2 == 0 ? "shop.test" : "localhost", [&](Resolution found) {
      EXPECT_EQ(found.error, "");
      if (++calls == 4) names.reactor.stop();
      if (calls < 4) ask();
    });
  };
  ask();
  EXPECT_TRUE(test::run_for(names.reactor));
  EXPECT_EQ(calls, 4);
}

TEST(Resolver, a_server_list_that_cannot_be_read_is_refused) {
  Reactor reactor;
  EXPECT_THROW(Resolver(reactor, "not a server"), std::runtime_error);
}

}  // namespace
}  // namespace gatehouse::io
