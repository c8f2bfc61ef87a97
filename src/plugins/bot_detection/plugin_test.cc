#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::bot_detection {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

bool passes(const plugin::Plugin& plugin, std::string_view agent) {
  Request request;
  request.header("User-Agent", agent);
  return plugin.on_request(request.exchange) == Verdict::proceed;
}

TEST(BotDetection, knows_those_that_say_what_they_are) {
  const auto plugin = build(kType, "{}");
  for (const char* agent :
       {"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "AhrefsBot", "Baiduspider+(x)",
        "my-crawler 1.0", "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/)", "Scrapy/2.11",
        "facebookexternalhit/1.1", "sqlmap/1.7#stable", "Mozilla/5.0 HeadlessChrome/120.0"})
    EXPECT_FALSE(passes(*plugin, agent)) << agent;
}

TEST(BotDetection, lets_browsers_and_programs_pass) {
  const auto plugin = build(kType, "{}");
  for (const char* agent :
       {"Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Version/17.2 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/120.0 Mobile", "curl/8.5.0", "okhttp/4.12.0",
        "robotics-lab/1.0", "abbott-client/2", ""})
    EXPECT_TRUE(passes(*plugin, agent)) << agent;
}

TEST(BotDetection, allows_before_it_denies) {
  const auto plugin = build(kType, "{allow: [\"Googlebot/\"], deny: [\"^curl/\", \"(?i)evil\"]}");
  EXPECT_TRUE(passes(*plugin, "Mozilla/5.0 (compatible; Googlebot/2.1)"));
  EXPECT_FALSE(passes(*plugin, "bingbot/2.0"));
  EXPECT_FALSE(passes(*plugin, "curl/8.5.0"));
  EXPECT_TRUE(passes(*plugin, "libcurl/8.5.0"));
  EXPECT_FALSE(passes(*plugin, "Very EVIL"));
  EXPECT_TRUE(passes(*build(kType, "{known_bots: false, deny: evil}"), "bingbot/2.0"));
}

TEST(BotDetection, asks_for_a_name_where_it_is_told) {
  Request nameless;
  EXPECT_EQ(build(kType, "{}")->on_request(nameless.exchange), Verdict::proceed);
  const auto plugin = build(kType, "{require: true, status: 406, message: who are you}");
  EXPECT_EQ(plugin->on_request(nameless.exchange), Verdict::reply);
  EXPECT_EQ(nameless.exchange.response.status, 406);
  EXPECT_EQ(nameless.exchange.refusal_message(), "who are you");
  EXPECT_FALSE(passes(*plugin, ""));
  EXPECT_TRUE(passes(*plugin, "curl/8.5.0"));
}

TEST(BotDetection, looks_at_every_line) {
  Request request;
  request.header("User-Agent", "Mozilla/5.0 Firefox/121.0");
  request.header("User-Agent", "Googlebot/2.1");
  EXPECT_EQ(build(kType, "{}")->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 403);
}

TEST(BotDetection, refuses_options_that_mean_nothing) {
  EXPECT_THAT(faults(kType, "{known_bots: false}"), HasSubstr("config: refuses nobody"));
  EXPECT_EQ(faults(kType, "{known_bots: false, require: true}"), "");
  EXPECT_THAT(faults(kType, "{status: 200}"), HasSubstr("config.status"));
  EXPECT_THAT(faults(kType, "{deny: [\"\"]}"), HasSubstr("config.deny: has an empty pattern"));
  EXPECT_THAT(faults(kType, "{allow: [curl, \"\"]}"), HasSubstr("config.allow: has an empty pattern"));
}

}  // namespace
}  // namespace gatehouse::plugins::bot_detection
