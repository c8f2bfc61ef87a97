#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::response_ratelimiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

struct Seen {
  int status = 200;
  std::map<std::string, std::string> to_service, to_client;
};

/// A request whose answer says `taken`; as the engine runs the hooks.
Seen pass(const plugin::Plugin& plugin, std::string_view taken, std::string_view client = "192.0.2.1") {
  Request request;
  plugin::Exchange& x = request.exchange;
  x.client_ip = *IpAddress::parse(client);
  Seen seen;
  if (plugin.on_request(x) == Verdict::proceed) {
    for (const http::Field& field : x.request.fields)
      seen.to_service[std::string(field.name)] = std::string(field.value);
    if (!taken.empty()) x.response.fields.append(std::string_view("X-Kong-Limit"), taken);
  }
  plugin.on_response(x);
  if (x.replied) plugin.on_response(x);
  seen.status = x.response.status;
  for (const http::Field& field : x.response.fields) {
    if (!field.removed) seen.to_client[std::string(field.name)] = std::string(field.value);
  }
  return seen;
}

TEST(ResponseRateLimiting, spends_what_answers_say) {
  const auto plugin = build(kType, "{limits: {video: {month: 10, year: 20}, sms: {year: 3}}}");
  Seen seen = pass(*plugin, "video=4, sms");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.to_service.at("X-RateLimit-Remaining-video"), "10");
  EXPECT_EQ(seen.to_service.at("X-RateLimit-Remaining-sms"), "3");
  EXPECT_EQ(seen.to_client.at("X-RateLimit-Limit-video-Month"), "10");
  EXPECT_EQ(seen.to_client.at("X-RateLimit-Remaining-video-Month"), "6");
  EXPECT_EQ(seen.to_client.at("X-RateLimit-Remaining-video-Year"), "16");
  EXPECT_EQ(seen.to_client.at("X-RateLimit-Remaining-sms-Year"), "2");
  EXPECT_FALSE(seen.to_client.contains("X-Kong-Limit"));
  seen = pass(*plugin, "");
  EXPECT_EQ(seen.to_service.at("X-RateLimit-Remaining-video"), "6");
  EXPECT_EQ(seen.to_client.at("X-RateLimit-Remaining-video-Month"), "6") << "an answer that takes nothing";
  EXPECT_EQ(pass(*plugin, "sms=2", "192.0.2.2").to_client.at("X-RateLimit-Remaining-sms-Year"), "1");
}

TEST(ResponseRateLimiting, reads_what_services_write) {
  const auto plugin = build(kType, "{limits: {video: {year: 100}, vid: {year: 100}}}");
  const auto left = [&](std::string_view taken) {
    return pass(*plugin, taken).to_client.at("X-RateLimit-Remaining-video-Year");
  };
  EXPECT_EQ(left(" video = 2 ,other=5"), "98");
  EXPECT_EQ(left("video,video"), "96");
  EXPECT_EQ(left("video=two"), "95");
  EXPECT_EQ(left(",,=,video=0"), "95");
  EXPECT_EQ(left("vid=7"), "95");
}

TEST(ResponseRateLimiting, spends_what_all_lines_say) {
  const auto plugin = build(kType, "{limits: {video: {year: 10}, sms: {year: 10}}}");
  Request request;
  plugin->on_request(request.exchange);
  http::Fields& fields = request.exchange.response.fields;
  for (const std::string_view line : {"video=4, sms", "video=2", "sms=3"}) fields.append("X-Kong-Limit", line);
  plugin->on_response(request.exchange);
  EXPECT_EQ(fields.get("X-RateLimit-Remaining-video-Year"), "4");
  EXPECT_EQ(fields.get("X-RateLimit-Remaining-sms-Year"), "6");
  EXPECT_FALSE(fields.has("X-Kong-Limit"));
}

TEST(ResponseRateLimiting, refuses_what_takes_more_than_any_number) {
  const auto plugin = build(kType, "{limits: {video: {year: 1000000000}}}");
  EXPECT_EQ(pass(*plugin, "video").status, 200);
  EXPECT_EQ(pass(*plugin, "video=99999999999999999999").status, 429);
}

TEST(ResponseRateLimiting, refuses_an_answer_that_takes_more_than_is_left) {
  const auto plugin = build(kType, "{limits: {video: {year: 5}, sms: {year: 1}}}");
  EXPECT_EQ(pass(*plugin, "video=4").status, 200);
  const Seen refused = pass(*plugin, "sms, video=2");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.to_client.at("X-RateLimit-Remaining-video-Year"), "1");
  EXPECT_EQ(refused.to_client.at("X-RateLimit-Remaining-sms-Year"), "1") << "nothing of it was taken";
  EXPECT_EQ(pass(*plugin, "video").status, 200);
  EXPECT_EQ(pass(*plugin, "").status, 200) << "what takes nothing passes";
  EXPECT_EQ(pass(*plugin, "video").status, 429);
}

TEST(ResponseRateLimiting, may_ask_nothing_any_more) {
  const auto plugin = build(kType, "{limits: {video: {year: 1}}, block_on_first_violation: true, error_code: 403}");
  EXPECT_EQ(pass(*plugin, "video").status, 200);
  const Seen refused = pass(*plugin, "");
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(refused.to_service.empty());
  EXPECT_TRUE(
      pass(*build(kType, "{limits: {video: {year: 1}}, hide_client_headers: true}"), "video").to_client.empty());
}

TEST(ResponseRateLimiting, refuses_options_that_mean_nothing) {
  EXPECT_THAT(faults(kType, "{}"), HasSubstr("needs \"limits\""));
  EXPECT_THAT(faults(kType, "{limits: {}}"), HasSubstr("config.limits: names no quota"));
  EXPECT_THAT(faults(kType, "{limits: {video: {}}}"), HasSubstr("config.limits.video: needs a limit"));
  EXPECT_THAT(faults(kType, "{limits: {\"a b\": {year: 1}}}"), HasSubstr("config.limits.a b: "));
  EXPECT_THAT(faults(kType, "{limits: {Video: {year: 5}, video: {year: 1}}}"),
              HasSubstr("config.limits.video: has the fields of another quota"));
  EXPECT_THAT(faults(kType, "{limits: {video: {second: 5, year: 1}}}"), HasSubstr("window order"));
}

}  // namespace
}  // namespace gatehouse::plugins::response_ratelimiting
