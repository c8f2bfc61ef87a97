#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::request_size_limiting {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

/// The limit that holds for bodies of unknown length.
std::uint64_t limit_of(std::string_view config) {
  Request request("POST");
  request.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  EXPECT_EQ(build(kType, config)->on_request(request.exchange), Verdict::proceed);
  return request.exchange.max_request_body;
}

TEST(RequestSizeLimiting, refuses_a_declared_length_above_the_limit_at_once) {
  const auto plugin = build(kType, "{max_body: 1KiB}");
  Request fits("POST");
  fits.body(1024);
  EXPECT_EQ(plugin->on_request(fits.exchange), Verdict::proceed);
  Request larger("POST");
  larger.body(1025);
  EXPECT_EQ(plugin->on_request(larger.exchange), Verdict::reply);
  EXPECT_EQ(larger.exchange.response.status, 413);
  EXPECT_EQ(larger.exchange.reason, Reason::body_too_large);
}

TEST(RequestSizeLimiting, counts_in_kongs_units) {
  EXPECT_EQ(limit_of(""), 128u << 20);
  EXPECT_EQ(limit_of("{allowed_payload_size: 2}"), 2u << 20);
  EXPECT_EQ(limit_of("{allowed_payload_size: 2, size_unit: kilobytes}"), 2u << 10);
  EXPECT_EQ(limit_of("{allowed_payload_size: 2, size_unit: bytes}"), 2u);
  EXPECT_EQ(limit_of("{max_body: 8MiB}"), 8u << 20);
}

TEST(RequestSizeLimiting, never_raises_a_limit_of_the_route) {
  Request request("POST");
  request.exchange.max_request_body = 10;
  build(kType, "{max_body: 1KiB}")->on_request(request.exchange);
  EXPECT_EQ(request.exchange.max_request_body, 10u);
}

TEST(RequestSizeLimiting, may_require_a_length_of_requests_with_a_body) {
  const auto plugin = build(kType, "{require_content_length: true}");
  Request chunked("POST");
  chunked.exchange.request.framing = {http::Framing::Kind::chunked, 0};
  EXPECT_EQ(plugin->on_request(chunked.exchange), Verdict::reply);
  EXPECT_EQ(chunked.exchange.response.status, 411);
  Request bodiless;
  EXPECT_EQ(plugin->on_request(bodiless.exchange), Verdict::proceed);
  Request empty("POST");
  empty.body(0);
  EXPECT_EQ(plugin->on_request(empty.exchange), Verdict::proceed);
}

TEST(RequestSizeLimiting, refuses_two_limits_and_what_is_no_size) {
  EXPECT_THAT(faults(kType, "{max_body: 1KiB, allowed_payload_size: 1}"), HasSubstr("only one limit can hold"));
  EXPECT_THAT(faults(kType, "{allowed_payload_size: -1}"),
              HasSubstr("config.allowed_payload_size: must be an integer"));
  EXPECT_THAT(faults(kType, "{allowed_payload_size: 9999999999999}"),
              HasSubstr("config.allowed_payload_size: must be"));
  EXPECT_THAT(faults(kType, "{size_unit: gigabytes}"), HasSubstr("config.size_unit: must be"));
  EXPECT_THAT(faults(kType, "{max_body: much}"), HasSubstr("config.max_body: must be"));
}

}  // namespace
}  // namespace gatehouse::plugins::request_size_limiting
