#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace gatehouse {
namespace {

TEST(Error, every_reason_has_a_word_of_its_own_and_a_status) {
  std::set<std::string_view> words;
  for (std::size_t i = 1; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_FALSE(to_string(reason).empty());
    EXPECT_TRUE(words.insert(to_string(reason)).second) << to_string(reason);
    EXPECT_GE(status_of(reason), 400);
    EXPECT_LT(status_of(reason), 600);
  }
}

TEST(Error, gives_the_documented_status) {
  EXPECT_EQ(status_of(Reason::uri_too_long), 414);
  EXPECT_EQ(status_of(Reason::head_too_large), 431);
  EXPECT_EQ(status_of(Reason::upstream_protocol), 502);
  EXPECT_EQ(status_of(Reason::no_healthy_target), 503);
  EXPECT_EQ(status_of(Reason::upstream_connect_timeout), 504);
  EXPECT_EQ(status_of(Reason::client_closed), 499);
  EXPECT_EQ(to_string(Reason::none), "");
}

}  // namespace
}  // namespace gatehouse
