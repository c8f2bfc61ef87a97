#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::request_transformer {

extern const plugin::PluginType kType;

namespace {

using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

std::vector<std::string> headers(std::string_view config,
                                 std::vector<std::pair<std::string_view, std::string_view>> sent) {
  Request request;
  for (const auto& [name, value] : sent) request.header(name, value);
  const auto plugin = build(kType, config);
  EXPECT_EQ(plugin->on_request(request.exchange), plugin::Verdict::proceed);
  return testing::lines(request.exchange.request.fields);
}

std::string query(std::string_view config, std::string_view sent) {
  Request request;
  request.query(sent);
  const auto plugin = build(kType, config);
  EXPECT_EQ(plugin->on_request(request.exchange), plugin::Verdict::proceed);
  EXPECT_EQ(request.exchange.request.query, sent);
  return std::string(request.exchange.forward_query);
}

TEST(RequestTransformer, removes_headers_in_any_case) {
  EXPECT_THAT(headers("{remove: {headers: [x-internal]}}", {{"X-Internal", "1"}, {"X-A", "2"}, {"X-INTERNAL", "3"}}),
              ElementsAre("X-A: 2"));
}

TEST(RequestTransformer, renames_headers_that_are_there) {
  constexpr const char* kConfig = "{rename: {headers: [\"X-Old:X-New\"]}}";
  EXPECT_THAT(headers(kConfig, {{"X-New", "before"}, {"x-old", "1"}, {"X-Old", "2"}}),
              ElementsAre("X-New: 1", "X-New: 2"));
  EXPECT_THAT(headers(kConfig, {{"X-New", "before"}}), ElementsAre("X-New: before"));
}

TEST(RequestTransformer, a_renamed_header_is_found_under_its_new_name) {
  Request request;
  request.header("X-Token", "t");
  const auto plugin = build(kType, "{rename: {headers: {X-Token: Authorization}}}");
  plugin->on_request(request.exchange);
  EXPECT_EQ(request.exchange.request.fields.get(http::FieldId::authorization), "t");
}

TEST(RequestTransformer, replaces_only_what_is_there) {
  constexpr const char* kConfig = "{replace: {headers: {X-A: new}}}";
  EXPECT_THAT(headers(kConfig, {{"x-a", "1"}, {"X-A", "2"}}), ElementsAre("X-A: new"));
  EXPECT_THAT(headers(kConfig, {{"X-B", "1"}}), ElementsAre("X-B: 1"));
}

TEST(RequestTransformer, sets_always_adds_if_absent_appends_besides) {
  EXPECT_THAT(headers("{set: {headers: [\"X-A: new\"]}}", {{"X-A", "1"}, {"X-A", "2"}}), ElementsAre("X-A: new"));
  EXPECT_THAT(headers("{set: {headers: [\"X-A: new\"]}}", {}), ElementsAre("X-A: new"));
  EXPECT_THAT(headers("{add: {headers: [\"X-A:new\"]}}", {{"x-a", "1"}}), ElementsAre("x-a: 1"));
  EXPECT_THAT(headers("{add: {headers: [\"X-A:new\"]}}", {}), ElementsAre("X-A: new"));
  EXPECT_THAT(headers("{append: {headers: [X-A: new]}}", {{"X-A", "1"}}), ElementsAre("X-A: 1", "X-A: new"));
}

TEST(RequestTransformer, works_in_its_order_whatever_the_files) {
  EXPECT_THAT(
      headers(R"({append: {headers: ["B:appended"]}, add: {headers: ["A:added", "B:added"]}, set: {headers: ["C:set"]},
                          replace: {headers: ["B:replaced", "C:replaced"]}, rename: {headers: ["A:B"]}, remove: {headers: [C]}})",
              {{"A", "1"}, {"C", "2"}}),
      ElementsAre("B: replaced", "C: set", "A: added", "B: appended"));
}

TEST(RequestTransformer, replaces_the_host_that_the_service_gets) {
  Request request;
  const auto plugin = build(kType, "{replace: {headers: {Host: \"other.test:81\", X-A: b}}}");
  plugin->on_request(request.exchange);
  EXPECT_EQ(request.exchange.forward_host, "other.test:81");
  EXPECT_THAT(testing::lines(request.exchange.request.fields), ElementsAre());
}

TEST(RequestTransformer, removes_parameters_however_they_are_written) {
  EXPECT_EQ(query("{remove: {querystring: [debug]}}", "a=1&debug=1&b&%64ebug=2&debugger=3&debug"), "a=1&b&debugger=3");
  EXPECT_EQ(query("{remove: {querystring: [\"a b\"]}}", "a+b=1&a%20b=2&c=3"), "c=3");
  EXPECT_EQ(query("{remove: {querystring: [a]}}", "a=1"), "");
}

TEST(RequestTransformer, leaves_a_query_that_nothing_is_done_to_as_it_was_sent) {
  EXPECT_EQ(query("{remove: {querystring: [debug]}}", "x=%7e&&y=a+b&z=%zz&"), "x=%7e&&y=a+b&z=%zz&");
  EXPECT_EQ(query("{remove: {querystring: [debug]}}", "x=%7e&debug&y=a+b&z=%zz"), "x=%7e&y=a+b&z=%zz");
}

TEST(RequestTransformer, renames_parameters_with_their_values) {
  constexpr const char* kConfig = "{rename: {querystring: {old: \"new name\"}}}";
  EXPECT_EQ(query(kConfig, "old=a%26b&x=1&old&new+name=gone"), "new%20name=a%26b&x=1&new%20name");
  EXPECT_EQ(query(kConfig, "new+name=stays"), "new+name=stays");
}

TEST(RequestTransformer, encodes_what_it_writes) {
  EXPECT_EQ(query("{add: {querystring: {\"a&b\": \"1=2&3 é#\"}}}", ""), "a%26b=1%3D2%263%20%C3%A9%23");
  EXPECT_EQ(query("{add: {querystring: [\"a:1\"]}}", "b=2"), "b=2&a=1");
}

TEST(RequestTransformer, replaces_sets_adds_and_appends_parameters) {
  EXPECT_EQ(query("{replace: {querystring: {a: new}}}", "a=1&b=2&a=3"), "a=new&b=2");
  EXPECT_EQ(query("{replace: {querystring: {c: new}}}", "a=1"), "a=1");
  EXPECT_EQ(query("{set: {querystring: {a: new}}}", "b=2&a=1&a"), "b=2&a=new");
  EXPECT_EQ(query("{set: {querystring: {a: new}}}", "b=2"), "b=2&a=new");
  EXPECT_EQ(query("{add: {querystring: {a: new}}}", "%61=1"), "%61=1");
  EXPECT_EQ(query("{append: {querystring: [\"a: x\", \"a: y\"]}}", "a=1"), "a=1&a=x&a=y");
}

TEST(RequestTransformer, a_written_parameter_is_found_by_what_runs_after_it) {
  EXPECT_EQ(query("{set: {querystring: {a: 1}}, add: {querystring: {a: 2}}}", ""), "a=1");
  EXPECT_EQ(query("{rename: {querystring: {x: a}}, replace: {querystring: {a: 2}}}", "x=1"), "a=2");
}

TEST(RequestTransformer, refuses_headers_that_the_gateway_alone_sets) {
  for (const char* name :
       {"Content-Length", "transfer-encoding", "Connection", "Host", "TE", "Upgrade", "Keep-Alive"}) {
    for (const char* step : {"set", "add", "append"}) {
      const std::string config = std::string("{") + step + ": {headers: [\"" + name + ": x\"]}}";
      EXPECT_THAT(faults(kType, config),
                  HasSubstr(std::string("config.") + step + ".headers[0]: must not name " + name));
    }
    EXPECT_THAT(faults(kType, std::string("{remove: {headers: [") + name + "]}}"), HasSubstr("must not name"));
    EXPECT_THAT(faults(kType, std::string("{rename: {headers: {X-A: ") + name + "}}}"), HasSubstr("must not name"));
  }
  EXPECT_THAT(faults(kType, "{replace: {headers: {Content-Length: 1}}}"), HasSubstr("must not name Content-Length"));
}

TEST(RequestTransformer, refuses_values_that_would_break_a_message) {
  EXPECT_THAT(faults(kType, "{add: {headers: {X-A: \"a\\r\\nX-B: c\"}}}"),
              HasSubstr("must not contain control characters"));
  EXPECT_THAT(faults(kType, "{add: {headers: {X-A: \"a\\0b\"}}}"), HasSubstr("must not contain control characters"));
  EXPECT_THAT(faults(kType, "{add: {headers: {X-A: \" a\"}}}"),
              HasSubstr("config.add.headers.X-A: must not begin or end"));
  EXPECT_THAT(faults(kType, "{add: {querystring: {a: \"b\\nc\"}}}"),
              HasSubstr("config.add.querystring.a: must not contain control"));
  EXPECT_THAT(faults(kType, "{replace: {headers: {Host: \"a/b\"}}}"),
              HasSubstr("config.replace.headers.Host: must be a host"));
  EXPECT_THAT(faults(kType, "{add: {headers: [\"X-A\"]}}"),
              HasSubstr("config.add.headers[0]: must be \"Name: value\""));
  EXPECT_THAT(faults(kType, "{rename: {headers: [\"X-A:x-a\"]}}"),
              HasSubstr("config.rename.headers[0]: must name two different"));
  EXPECT_THAT(faults(kType, "{rename: {querystring: [\"a:\"]}}"), HasSubstr("must name two different"));
}

TEST(RequestTransformer, prints_no_credentials) {
  config::Diagnostics out;
  const config::Node node = testing::parse(
      R"({set: {headers: {Authorization: Bearer s3cret, X-A: plain}, querystring: ["api_key: s3cret"]}, add: {headers: ["X-Shop-Token:s3cret", {Cookie: s3cret}]}})",
      out);
  const std::string printed = config::to_json_line(*kType.info().effective(&node));
  EXPECT_EQ(
      printed,
      "{\"set\": {\"headers\": {\"Authorization\": \"***\", \"X-A\": \"plain\"}, \"querystring\": [\"api_key: ***\"]}, "
      "\"add\": {\"headers\": [\"X-Shop-Token: ***\", {\"Cookie\": \"***\"}]}}");
}

TEST(RequestTransformer, says_what_is_not_supported_yet) {
  EXPECT_THAT(faults(kType, "{add: {body: [\"a:b\"]}}"), HasSubstr("config.add.body: not supported yet"));
  EXPECT_THAT(faults(kType, "{replace: {uri: /x}}"), HasSubstr("config.replace.uri: not supported yet"));
  EXPECT_THAT(faults(kType, "{http_method: POST}"), HasSubstr("config.http_method: not supported yet"));
  EXPECT_THAT(faults(kType, "{add: {headers: [\"X-A: $(headers.x)\"]}}"),
              HasSubstr("templates \"$(…)\" are not supported yet"));
  EXPECT_THAT(faults(kType, "{ad: {headers: []}}"), HasSubstr("did you mean \"add\"?"));
}

}  // namespace
}  // namespace gatehouse::plugins::request_transformer
