#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "config/node.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::testing {

/// Keeps what a plugin sends beside the exchange.
class FakeCaller : public plugin::HttpCaller {
 public:
  bool send_copy(const plugin::Exchange& exchange, std::string_view body) const override {
    sent.push_back(std::string(exchange.method) + " " + std::string(exchange.forward_path) + " " + std::string(body));
    return true;
  }
  mutable std::vector<std::string> sent;
};

/// Answers what the test says, and keeps what it is asked. Answers' texts outlive the exchange.
class FakeRedis : public plugin::Redis {
 public:
  using Words = std::vector<std::string>;
  RedisScript script(std::string text) const override { return {std::move(text), "sha"}; }
  Task<RedisResult> eval(plugin::Exchange& exchange, const RedisScript& script, Arguments keys,
                         Arguments arguments) const override {
    return reply(words_of("EVAL", keys, arguments));
  }
  void send(const plugin::Exchange& exchange, std::shared_ptr<const RedisScript> script, Arguments keys,
            Arguments arguments, Then then) const override {
    asked.push_back(words_of("SEND", keys, arguments));
    if (holds_back) return held.push_back(std::move(then));
    const RedisResult result = answer(asked.back());
    if (then) then(result);
  }
  Task<RedisResult> command(plugin::Exchange& exchange, Arguments words) const override {
    return reply(Words(words.begin(), words.end()));
  }

  std::function<RedisResult(const Words&)> answer = [](const Words&) { return std::unexpected(RedisError{}); };
  mutable std::vector<Words> asked;  ///< of a script: EVAL, or SEND where nobody waits, its keys, its arguments
  bool holds_back = false;           ///< whom send() is to tell waits here until the test tells
  mutable std::vector<Then> held;

 private:
  static Words words_of(const char* what, Arguments keys, Arguments arguments) {
    Words words{what};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }
  Task<RedisResult> reply(Words words) const {
    asked.push_back(words);
    co_return answer(words);
  }
};

/// Two workers; every service is `caller`.
class FakeContext : public plugin::BuildContext {
 public:
  unsigned workers() const override { return 2; }
  std::shared_ptr<const plugin::HttpCaller> http(std::string_view service) override {
    services.emplace_back(service);
    return caller;
  }
  std::shared_ptr<const plugin::Offload> offload() override { return offloads; }
  std::shared_ptr<const plugin::Offload> offloads;
  std::shared_ptr<const plugin::Document> document(const std::string&, const plugin::DocumentSource& source) override {
    documents.push_back(source);
    return fetched;
  }
  std::vector<plugin::DocumentSource> documents;    ///< asked for
  std::shared_ptr<const plugin::Document> fetched;  ///< what they are
  std::shared_ptr<const plugin::Redis> redis() override { return fake_redis; }
  std::shared_ptr<FakeRedis> fake_redis;  ///< null: the configuration has none
  std::shared_ptr<plugin::Counter> counter(std::string_view name, std::string_view,
                                           std::pair<std::string_view, std::string_view> label) override {
    auto& kept = counters[std::string(name) + "{" + std::string(label.first) + "=" + std::string(label.second) + "}"];
    if (kept == nullptr) kept = std::make_shared<plugin::Counter>();
    return kept;
  }
  std::map<std::string, std::shared_ptr<plugin::Counter>> counters;  ///< "name{label=value}"
  std::shared_ptr<FakeCaller> caller = std::make_shared<FakeCaller>();
  std::vector<std::string> services;  ///< asked for

 protected:
  std::shared_ptr<void> shared(const std::string& identity,
                               const std::function<std::shared_ptr<void>()>& make) override {
    auto& kept = kept_[identity];
    if (!kept) kept = make();
    return kept;
  }

 private:
  std::map<std::string, std::shared_ptr<void>> kept_;
};

inline config::Node parse(std::string_view yaml, config::Diagnostics& out) {
  return config::parse_document(yaml, "t.yaml", out);
}

/// What is wrong with a `config` of the plugin, one line a fault; "" if nothing is.
inline std::string faults(const plugin::PluginType& type, std::string_view yaml) {
  config::Diagnostics out;
  const config::Node node = parse(yaml, out);
  type.info().check(&node, "config", node.mark(), out);
  out.sort();
  return out.text();
}

/// The plugin, built from a `config` that must be good.
inline std::shared_ptr<const plugin::Plugin> build(const plugin::PluginType& type, std::string_view yaml,
                                                   plugin::BuildContext& context) {
  EXPECT_EQ(faults(type, yaml), "");
  config::Diagnostics out;
  const config::Node node = parse(yaml, out);
  return type.make(node.is_null() ? nullptr : &node, context);
}
inline std::shared_ptr<const plugin::Plugin> build(const plugin::PluginType& type, std::string_view yaml) {
  FakeContext context;
  return build(type, yaml, context);
}

/// A request for http://gateway.test/path?a=1 that goes to a service, as the engine fills it in.
struct Request {
  explicit Request(std::string_view method = "GET") : exchange(arena) {
    exchange.request.method = http::parse_method(method);
    exchange.request.method_text = exchange.method = method;
    exchange.request.path = exchange.path = exchange.forward_path = "/path";
    query("a=1");
    exchange.request.authority = exchange.host = "gateway.test";
    exchange.forward_host = "service.test";
    exchange.route = "route";
    exchange.service = "service";
    exchange.client_ip = *IpAddress::parse("192.0.2.7");
    exchange.response.status = 200;
  }
  void query(std::string_view text) {
    exchange.request.query = exchange.forward_query = text;
    exchange.request.has_query = !text.empty();
  }
  void header(std::string_view name, std::string_view value) { exchange.request.fields.append(name, value); }
  void body(std::uint64_t length) { exchange.request.framing = {http::Framing::Kind::length, length}; }

  Arena arena;
  plugin::Exchange exchange;
};

/// "Name: value" of each line, in order.
inline std::vector<std::string> lines(const http::Fields& fields) {
  std::vector<std::string> result;
  for (const http::Field& field : fields) {
    if (!field.removed) result.push_back(std::string(field.name) + ": " + std::string(field.value));
  }
  return result;
}

}  // namespace gatehouse::plugins::testing
