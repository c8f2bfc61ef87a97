#include "engine/control/freshness.h"

#include <gtest/gtest.h>

namespace gatehouse::engine {
namespace {

using std::chrono::seconds;

TEST(Freshness, is_max_age_in_any_case_and_among_others) {
  EXPECT_EQ(freshness("max-age=60", ""), seconds(60));
  EXPECT_EQ(freshness("public, Max-Age=60 ,must-revalidate", ""), seconds(60));
  EXPECT_EQ(freshness("max-age=\"60\"", ""), seconds(60));
  EXPECT_EQ(freshness("max-age=60, max-age=30", ""), seconds(30));
  EXPECT_EQ(freshness("max-age=99999999999", ""), seconds(UINT32_MAX));
  EXPECT_EQ(freshness("", ""), std::nullopt);
  EXPECT_EQ(freshness("public, x-max-age=5, s-maxage=7", ""), std::nullopt);
}

TEST(Freshness, is_none_where_the_response_must_not_be_used_unasked) {
  for (const char* text : {"no-store", "max-age=60, No-Cache", "no-store, max-age=60", "max-age=0", "max-age=soon",
                           "max-age", "max-age=-1"}) {
    EXPECT_EQ(freshness(text, ""), seconds(0)) << text;
  }
  EXPECT_EQ(freshness("no-cache=\"Set-Cookie\", max-age=60", ""), seconds(60)) << "only that field";
}

TEST(Freshness, is_less_by_the_age_that_the_response_has) {
  EXPECT_EQ(freshness("max-age=60", "20"), seconds(40));
  EXPECT_EQ(freshness("max-age=60", " 70"), seconds(0));
  EXPECT_EQ(freshness("max-age=60", "old"), seconds(60));
  EXPECT_EQ(freshness("", "20"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::engine
