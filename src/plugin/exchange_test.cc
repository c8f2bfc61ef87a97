#include "plugin/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/plugin.h"

namespace gatehouse::plugin {
namespace {

struct ExchangeTest : testing::Test {
  Arena arena;
  Exchange exchange{arena};
};

TEST_F(ExchangeTest, a_reply_is_a_whole_response) {
  exchange.response.fields.append(std::string_view("X-Old"), "1");
  EXPECT_EQ(exchange.reply(201, "made", "text/plain"), Verdict::reply);
  EXPECT_TRUE(exchange.replied);
  EXPECT_FALSE(exchange.refused());
  EXPECT_EQ(exchange.response.status, 201);
  EXPECT_EQ(exchange.response.reason, "Created");
  EXPECT_EQ(exchange.reply_body, "made");
  EXPECT_EQ(exchange.response.framing.kind, http::Framing::Kind::length);
  EXPECT_EQ(exchange.response.framing.length, 4u);
  EXPECT_EQ(exchange.response.fields.get("Content-Type"), "text/plain");
  EXPECT_FALSE(exchange.response.fields.has("X-Old"));
  EXPECT_EQ(exchange.reason, Reason::none);
}

TEST_F(ExchangeTest, a_reply_without_a_type_has_none) {
  exchange.reply(200, "", "");
  EXPECT_EQ(exchange.response.fields.size(), 0u);
}

TEST_F(ExchangeTest, a_refusal_has_the_status_of_its_reason_and_leaves_the_document_to_the_engine) {
  EXPECT_EQ(exchange.refuse(Reason::rate_limited), Verdict::reply);
  EXPECT_TRUE(exchange.replied);
  EXPECT_TRUE(exchange.refused());
  EXPECT_EQ(exchange.response.status, 429);
  EXPECT_EQ(exchange.reason, Reason::rate_limited);
  EXPECT_EQ(exchange.refusal_message(), "");
  EXPECT_EQ(exchange.reply_body, "");
}

TEST_F(ExchangeTest, a_refusal_may_say_its_own_status_and_message) {
  exchange.refuse(Reason::forbidden, "not from there", 404);
  EXPECT_EQ(exchange.response.status, 404);
  EXPECT_EQ(exchange.reason, Reason::forbidden);
  EXPECT_EQ(exchange.refusal_message(), "not from there");
}

TEST_F(ExchangeTest, fields_added_to_a_refusal_stay) {
  exchange.refuse(Reason::unauthenticated);
  exchange.response.fields.append(std::string_view("WWW-Authenticate"), "Key");
  EXPECT_EQ(exchange.response.fields.get("WWW-Authenticate"), "Key");
}

TEST_F(ExchangeTest, a_reply_after_a_refusal_is_no_refusal) {
  exchange.refuse(Reason::forbidden);
  exchange.reply(200, "ok", "text/plain");
  EXPECT_FALSE(exchange.refused());
  EXPECT_EQ(exchange.response.status, 200);
}

TEST_F(ExchangeTest, a_cleared_reply_leaves_nothing) {
  exchange.refuse(Reason::forbidden);
  exchange.clear_reply();
  EXPECT_FALSE(exchange.replied);
  EXPECT_FALSE(exchange.refused());
  EXPECT_EQ(exchange.reason, Reason::none);
  EXPECT_EQ(exchange.response.fields.size(), 0u);
}

TEST_F(ExchangeTest, observes_only_the_directions_that_were_asked_for) {
  exchange.observe_body(Direction::response);
  EXPECT_TRUE(exchange.observes(Direction::response));
  EXPECT_FALSE(exchange.observes(Direction::request));
}

TEST_F(ExchangeTest, keeps_a_state_for_each_plugin) {
  const Plugin one, two;
  EXPECT_EQ(exchange.find_state<int>(one), nullptr);
  EXPECT_EQ(exchange.state<int>(one), 0);
  exchange.state<int>(one) = 7;
  exchange.state<int>(two) = 8;
  EXPECT_EQ(exchange.state<int>(one), 7);
  ASSERT_NE(exchange.find_state<int>(two), nullptr);
  EXPECT_EQ(*exchange.find_state<int>(two), 8);
}

}  // namespace
}  // namespace gatehouse::plugin
