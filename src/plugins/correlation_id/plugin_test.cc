#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::correlation_id {

extern const plugin::PluginType kType;

namespace {

using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::Request;

constexpr const char* kUuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

std::string id_of(const plugin::Plugin& plugin, unsigned worker = 0) {
  Request request;
  request.exchange.worker = worker;
  EXPECT_EQ(plugin.on_request(request.exchange), plugin::Verdict::proceed);
  return std::string(request.exchange.request.fields.get("X-Correlation-ID"));
}

TEST(CorrelationId, makes_a_uuid_and_sends_it_both_ways) {
  const auto plugin = build(kType, "");
  Request request;
  EXPECT_EQ(plugin->on_request(request.exchange), plugin::Verdict::proceed);
  const std::string id(request.exchange.request.fields.get("X-Correlation-ID"));
  EXPECT_THAT(id, MatchesRegex(kUuid));
  EXPECT_EQ(plugin->on_response(request.exchange), plugin::Verdict::proceed);
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre("X-Correlation-ID: " + id));
  EXPECT_NE(id_of(*plugin), id);
}

TEST(CorrelationId, keeps_what_the_client_sent) {
  const auto plugin = build(kType, "{header_name: X-Trace}");
  Request request;
  request.header("x-trace", "order-7#12");
  plugin->on_request(request.exchange);
  plugin->on_response(request.exchange);
  EXPECT_THAT(testing::lines(request.exchange.request.fields), ElementsAre("X-Trace: order-7#12"));
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre("X-Trace: order-7#12"));
}

TEST(CorrelationId, replaces_an_id_that_is_too_long_or_not_printable) {
  const auto plugin = build(kType, "");
  for (const std::string& bad :
       {std::string(129, 'a'), std::string("a b"), std::string("a\"b"), std::string("\xc3\xa9"), std::string()}) {
    Request request;
    request.header("X-Correlation-ID", bad);
    request.header("X-Correlation-ID", "second");
    plugin->on_request(request.exchange);
    const auto lines = testing::lines(request.exchange.request.fields);
    ASSERT_EQ(lines.size(), 1u) << bad;
    EXPECT_THAT(lines[0], MatchesRegex(std::string("X-Correlation-ID: ") + kUuid)) << bad;
  }
  Request request;
  const std::string longest(128, 'a');
  request.header("X-Correlation-ID", longest);
  plugin->on_request(request.exchange);
  EXPECT_EQ(request.exchange.request.fields.get("X-Correlation-ID"), longest);
}

TEST(CorrelationId, counts_from_one_uuid_for_each_worker) {
  const auto plugin = build(kType, "{generator: \"uuid#counter\"}");
  const std::string first = id_of(*plugin), second = id_of(*plugin), other = id_of(*plugin, 1);
  EXPECT_THAT(first, MatchesRegex(std::string(kUuid) + "#1"));
  EXPECT_EQ(second, first.substr(0, 36) + "#2");
  EXPECT_THAT(other, MatchesRegex(std::string(kUuid) + "#1"));
  EXPECT_NE(other, first);
}

TEST(CorrelationId, a_tracker_names_the_process_and_the_worker) {
  const auto plugin = build(kType, "{generator: tracker}");
  const std::string process = "-" + std::to_string(::getpid()) + "-";
  EXPECT_THAT(id_of(*plugin), MatchesRegex("[A-Za-z0-9.-]*" + process + "0-1-[0-9]{13}"));
  EXPECT_THAT(id_of(*plugin, 1), MatchesRegex("[A-Za-z0-9.-]*" + process + "1-1-[0-9]{13}"));
}

TEST(CorrelationId, an_answer_to_a_request_that_it_never_saw_gets_an_id_too) {
  const auto plugin = build(kType, "");
  Request request;
  request.header("X-Correlation-ID", "mine");
  request.exchange.refuse(Reason::no_route);
  plugin->on_response(request.exchange);
  EXPECT_EQ(request.exchange.response.fields.get("X-Correlation-ID"), "mine");
}

TEST(CorrelationId, keeps_the_id_from_the_client_if_told_so) {
  const auto plugin = build(kType, "{echo_downstream: false}");
  Request request;
  plugin->on_request(request.exchange);
  plugin->on_response(request.exchange);
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre());
}

TEST(CorrelationId, refuses_fields_that_the_gateway_sets_and_unknown_generators) {
  EXPECT_THAT(faults(kType, "{header_name: Content-Length}"),
              HasSubstr("config.header_name: must not name Content-Length"));
  EXPECT_THAT(faults(kType, "{header_name: host}"), HasSubstr("must not name host"));
  EXPECT_THAT(faults(kType, "{header_name: \"a b\"}"), HasSubstr("must be a header name"));
  EXPECT_THAT(faults(kType, "{generator: uuid4}"), HasSubstr("config.generator: must be"));
  EXPECT_THAT(faults(kType, "{echo: true}"), HasSubstr("config.echo: unknown key"));
}

}  // namespace
}  // namespace gatehouse::plugins::correlation_id
