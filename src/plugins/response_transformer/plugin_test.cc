#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::response_transformer {

extern const plugin::PluginType kType;

namespace {

using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

TEST(ResponseTransformer, changes_the_fields_of_the_answer_in_its_order) {
  Request request;
  http::Fields& fields = request.exchange.response.fields;
  fields.append(std::string_view("Server"), "service");
  fields.append(std::string_view("X-Powered-By"), "php");
  fields.append(std::string_view("X-Old"), "1");
  fields.append(std::string_view("Set-Cookie"), "a=1");
  const auto plugin = build(
      kType,
      R"({remove: {headers: [x-powered-by]}, rename: {headers: ["X-Old:X-New"]}, replace: {headers: ["Server:edge"]},
                                       set: {headers: {X-Frame-Options: DENY}}, add: {headers: ["Server:no", "X-Add:yes"]},
                                       append: {headers: ["Set-Cookie: b=2"]}})");
  EXPECT_EQ(plugin->on_response(request.exchange), plugin::Verdict::proceed);
  EXPECT_THAT(testing::lines(fields), ElementsAre("Server: edge", "Set-Cookie: a=1", "X-New: 1",
                                                  "X-Frame-Options: DENY", "X-Add: yes", "Set-Cookie: b=2"));
}

TEST(ResponseTransformer, changes_answers_of_the_gateway_too) {
  Request request;
  request.exchange.refuse(Reason::no_route);
  const auto plugin = build(kType, "{add: {headers: {X-Frame-Options: DENY}}}");
  plugin->on_response(request.exchange);
  EXPECT_EQ(request.exchange.response.fields.get("X-Frame-Options"), "DENY");
}

TEST(ResponseTransformer, leaves_the_request_alone) {
  EXPECT_FALSE(kType.hooks.request);
  EXPECT_TRUE(kType.hooks.response);
}

TEST(ResponseTransformer, refuses_framing_and_what_is_not_supported_yet) {
  EXPECT_THAT(faults(kType, "{set: {headers: {Content-Length: 3}}}"), HasSubstr("must not name Content-Length"));
  EXPECT_THAT(faults(kType, "{add: {headers: {X-A: \"a\\nb\"}}}"), HasSubstr("must not contain control characters"));
  EXPECT_THAT(faults(kType, "{add: {json: [\"a:b\"]}}"), HasSubstr("config.add.json: not supported yet"));
  EXPECT_THAT(faults(kType, "{remove: {json: [a]}}"), HasSubstr("config.remove.json: not supported yet"));
  EXPECT_THAT(faults(kType, "{add: {querystring: [\"a:b\"]}}"), HasSubstr("config.add.querystring: unknown key"));
}

}  // namespace
}  // namespace gatehouse::plugins::response_transformer
