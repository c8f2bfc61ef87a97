#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::request_termination {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

TEST(RequestTermination, answers_503_in_the_gateways_own_document) {
  const auto plugin = build(kType, "");
  Request request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 503);
  EXPECT_TRUE(request.exchange.refused());
  EXPECT_EQ(request.exchange.refusal_message(), "Service Unavailable");
  EXPECT_EQ(request.exchange.reason, Reason::none);
}

TEST(RequestTermination, says_the_message) {
  const auto plugin = build(kType, "{status_code: 403, message: \"so long\"}");
  Request request;
  plugin->on_request(request.exchange);
  EXPECT_EQ(request.exchange.response.status, 403);
  EXPECT_EQ(request.exchange.refusal_message(), "so long");
}

TEST(RequestTermination, sends_a_body_with_its_type) {
  const auto plugin = build(kType, "{status_code: 200, body: \"<p>\", content_type: text/html}");
  Request request;
  plugin->on_request(request.exchange);
  EXPECT_EQ(request.exchange.response.status, 200);
  EXPECT_FALSE(request.exchange.refused());
  EXPECT_EQ(request.exchange.reply_body, "<p>");
  EXPECT_THAT(testing::lines(request.exchange.response.fields), ElementsAre("Content-Type: text/html"));
}

TEST(RequestTermination, sends_204_without_a_body) {
  const auto plugin = build(kType, "{status_code: 204}");
  Request request;
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.framing.kind, http::Framing::Kind::none);
  EXPECT_FALSE(request.exchange.refused());
}

TEST(RequestTermination, waits_for_its_trigger) {
  const auto plugin = build(kType, "{trigger: X-Stop}");
  Request without;
  EXPECT_EQ(plugin->on_request(without.exchange), Verdict::proceed);
  Request with_header;
  with_header.header("x-stop", "");
  EXPECT_EQ(plugin->on_request(with_header.exchange), Verdict::reply);
  Request with_parameter;
  with_parameter.query("a=1&X%2dStop");
  EXPECT_EQ(plugin->on_request(with_parameter.exchange), Verdict::reply);
  Request almost;
  almost.query("X-Stopp=1&a=X-Stop");
  EXPECT_EQ(plugin->on_request(almost.exchange), Verdict::proceed);
}

TEST(RequestTermination, echoes_the_head_as_json) {
  const auto plugin = build(kType, "{status_code: 200, echo: true, message: \"seen\"}");
  Request request("POST");
  request.header("X-A", "1");
  request.header("X-Text", "say \"hi\"\t\xc3\xa9\xe9\\");
  request.header("x-a", "2");
  plugin->on_request(request.exchange);
  EXPECT_EQ(
      request.exchange.reply_body,
      R"({"message": "seen", "request": {"method": "POST", "scheme": "http", "host": "gateway.test", "path": "/path", )"
      R"("query": "a=1", "headers": {"X-A": ["1", "2"], "X-Text": "say \"hi\"\té\ufffd\\"}}, )"
      R"("route": "route", "service": "service"})"
      "\n");
  EXPECT_EQ(request.exchange.response.framing.length, request.exchange.reply_body.size());
}

TEST(RequestTermination, echoes_a_request_without_headers) {
  const auto plugin = build(kType, "{echo: true}");
  Request request;
  plugin->on_request(request.exchange);
  EXPECT_THAT(request.exchange.reply_body, HasSubstr("\"headers\": {}}"));
}

TEST(RequestTermination, refuses_answers_that_contradict_themselves) {
  EXPECT_THAT(faults(kType, "{message: a, body: b}"), HasSubstr("only one kind of answer"));
  EXPECT_THAT(faults(kType, "{content_type: text/html}"), HasSubstr("without \"body\""));
  EXPECT_THAT(faults(kType, "{status_code: 204, body: b}"), HasSubstr("status 204 cannot have"));
  EXPECT_THAT(faults(kType, "{echo: true, body: b}"), HasSubstr("\"echo\" and \"body\""));
  EXPECT_THAT(faults(kType, "{status_code: 101}"),
              HasSubstr("config.status_code: must be an integer between 200 and 599"));
  EXPECT_THAT(faults(kType, "{body: b, content_type: \"a\\nb\"}"),
              HasSubstr("config.content_type: must not contain control"));
  EXPECT_THAT(faults(kType, "{trigger: \"a b\"}"), HasSubstr("config.trigger: must be a header name"));
}

}  // namespace
}  // namespace gatehouse::plugins::request_termination
