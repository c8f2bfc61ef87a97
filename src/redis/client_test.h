#pragma once
#include <gmock/gmock.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/loop_test.h"
#include "redis/client.h"
#include "support/redis_server.h"

namespace gatehouse::redis::test {

using namespace std::chrono_literals;
using gatehouse::test::RedisServer;

/// Longer than any answer takes, where time is not what is tested: a machine may be busy.
inline constexpr Duration kLong = std::chrono::seconds(20);

inline Address address_of(const RedisServer& server) {
  return {"127.0.0.1", server.port()};
}

/// As text: "PONG", "(integer) 3", "(nil)", "[a, b]", "error: …".
inline std::string text_of(const RedisReply& reply) {
  switch (reply.kind) {
    case RedisReply::Kind::nil:
      return "(nil)";
    case RedisReply::Kind::integer:
      return "(integer) " + std::to_string(reply.integer);
    case RedisReply::Kind::error:
      return "error: " + std::string(reply.text);
    case RedisReply::Kind::array: {
      std::string all;
      for (const RedisReply& item : reply.items()) all += (all.empty() ? "" : ", ") + text_of(item);
      return "[" + all + "]";
    }
    default:
      return std::string(reply.text);
  }
}
inline std::string text_of(const RedisResult& result) {
  static constexpr const char* kFaults[] = {"unavailable", "timeout", "overloaded", "server", "cancelled"};
  if (result) return text_of(*result);
  return std::string(kFaults[static_cast<int>(result.error().fault)]) + ": " + std::string(result.error().text);
}

/// One command that an exchange of its own sends.
class Call {
 public:
  Call(Client& client, io::Reactor& reactor, std::vector<std::string> words)
      : scope(reactor.scheduler()), words_(std::move(words)) {
    for (const std::string& word : words_) views_.push_back(word);
    job_.start(run(client));
  }
  Call(Client& client, io::Reactor& reactor, const RedisScript& script, std::vector<std::string> keys,
       std::vector<std::string> arguments)
      : scope(reactor.scheduler()), words_(std::move(keys)), more_(std::move(arguments)) {
    for (const std::string& word : words_) views_.push_back(word);
    for (const std::string& word : more_) more_views_.push_back(word);
    job_.start(run(client, script));
  }

  bool done() const { return result_.has_value(); }
  const RedisResult& result() const { return *result_; }
  std::string text() const { return done() ? text_of(*result_) : "(waits)"; }
  /// Gives it up where it stands.
  void destroy() { job_.stop(); }

  Scope scope;
  int order = 0;  ///< when it ended, among all
  static inline int ended = 0;

 private:
  Task<void> run(Client& client) {
    result_ = co_await client.command(scope, arena_, views_);
    order = ++ended;
  }
  Task<void> run(Client& client, const RedisScript& script) {
    result_ = co_await client.eval(scope, arena_, script, views_, more_views_);
    order = ++ended;
  }

  std::vector<std::string> words_, more_;
  std::vector<std::string_view> views_, more_views_;
  Arena arena_;
  std::optional<RedisResult> result_;
  Job job_;
};

/// A worker's loop, driven by the test.
class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  }
  void TearDown() override {
    if (client_ != nullptr) client_->close();
    turns(3);
  }

  Client& use(Options options) {
    client_ = std::make_unique<Client>(reactor_, std::make_shared<const Options>(std::move(options)));
    return *client_;
  }
  Client& use(const RedisServer& server, Duration timeout = kLong) {
    Options options;
    options.address = address_of(server);
    options.timeout = timeout;
    return use(options);
  }

  std::unique_ptr<Call> call(std::vector<std::string> words) {
    return std::make_unique<Call>(*client_, reactor_, std::move(words));
  }
  /// Runs the loop until all have ended.
  bool finish(const std::vector<const Call*>& calls, Duration patience = kLong) {
    return until_true([&] { return std::ranges::all_of(calls, [](const Call* each) { return each->done(); }); },
                      patience);
  }
  /// Runs the loop until `holds`; it sleeps at most 1 ms at a time.
  bool until_true(const std::function<bool()>& holds, Duration patience = kLong) {
    const TimePoint end = deadline_after(steady_now(), patience);
    while (!holds()) {
      if (steady_now() >= end) return false;
      io::test::run_for(reactor_, 1ms);
    }
    return true;
  }
  void turns(int count) {
    for (int i = 0; i < count; ++i) io::test::turn(reactor_);
  }
  std::string ask(std::vector<std::string> words) {
    const auto made = call(std::move(words));
    finish({made.get()});
    return made->text();
  }
  std::string eval(const RedisScript& script, std::vector<std::string> keys, std::vector<std::string> arguments) {
    Call made(*client_, reactor_, script, std::move(keys), std::move(arguments));
    finish({&made});
    return made.text();
  }
  std::uint64_t count(const char* result) const {
    for (std::size_t i = 0; i < Counters::kResults; ++i) {
      if (std::string_view(Counters::kResultNames[i]) == result) return client_->counters().commands[i];
    }
    return UINT64_MAX;
  }

  io::Reactor reactor_;
  std::unique_ptr<Client> client_;
};

}  // namespace gatehouse::redis::test
