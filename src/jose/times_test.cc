#include "jose/times.h"

#include <gtest/gtest.h>

namespace gatehouse::jose {
namespace {

TimeFault check(std::string_view payload, TimeRules rules) {
  Arena arena;
  const auto claims = parse_claims(payload, arena);
  EXPECT_TRUE(claims) << payload;
  return check_times(*claims, rules);
}

TEST(Times, a_token_is_valid_until_just_before_exp) {
  EXPECT_EQ(check(R"({"exp":1000})", {.now_s = 999}), TimeFault::none);
  EXPECT_EQ(check(R"({"exp":1000})", {.now_s = 1000}), TimeFault::expired);
  EXPECT_EQ(check(R"({"exp":1000.5})", {.now_s = 1000}), TimeFault::none);
  EXPECT_EQ(check(R"({"exp":1000})", {.now_s = 1059, .skew_s = 60}), TimeFault::none);
  EXPECT_EQ(check(R"({"exp":1000})", {.now_s = 1060, .skew_s = 60}), TimeFault::expired);
  EXPECT_EQ(check(R"({"exp":-1})", {.now_s = 0}), TimeFault::expired);
  EXPECT_EQ(check(R"({"exp":0})", {.now_s = 1}), TimeFault::expired);
}

TEST(Times, a_token_is_valid_from_nbf_on) {
  EXPECT_EQ(check(R"({"nbf":1000})", {.now_s = 1000}), TimeFault::none);
  EXPECT_EQ(check(R"({"nbf":1000})", {.now_s = 999}), TimeFault::not_yet_valid);
  EXPECT_EQ(check(R"({"nbf":1000.5})", {.now_s = 1000}), TimeFault::not_yet_valid);
  EXPECT_EQ(check(R"({"nbf":1000})", {.now_s = 940, .skew_s = 60}), TimeFault::none);
  EXPECT_EQ(check(R"({"nbf":1000})", {.now_s = 939, .skew_s = 60}), TimeFault::not_yet_valid);
}

TEST(Times, a_token_is_not_issued_in_the_future) {
  EXPECT_EQ(check(R"({"iat":1000})", {.now_s = 1000}), TimeFault::none);
  EXPECT_EQ(check(R"({"iat":1001})", {.now_s = 1000}), TimeFault::issued_in_future);
  EXPECT_EQ(check(R"({"iat":1001})", {.now_s = 1000, .skew_s = 1}), TimeFault::none);
}

TEST(Times, a_token_has_a_greatest_age_where_one_is_set) {
  EXPECT_EQ(check(R"({"iat":1000})", {.now_s = 1'000'000}), TimeFault::none);
  EXPECT_EQ(check(R"({"iat":1000})", {.now_s = 1299, .max_age_s = 300}), TimeFault::none);
  EXPECT_EQ(check(R"({"iat":1000})", {.now_s = 1300, .max_age_s = 300}), TimeFault::too_old);
  EXPECT_EQ(check(R"({"iat":1000})", {.now_s = 1300, .skew_s = 1, .max_age_s = 300}), TimeFault::none);
  EXPECT_EQ(check(R"({"exp":9999})", {.now_s = 1300, .max_age_s = 300}), TimeFault::no_issue_time);
  EXPECT_EQ(check(R"({"exp":9999})", {.now_s = 1300}), TimeFault::none);
}

TEST(Times, that_are_no_numbers_are_malformed) {
  for (const std::string_view name : {"exp", "nbf", "iat"}) {
    for (const std::string_view value : {"\"1000\"", "null", "true", "[1]", "{}", "1e999", "-1e999"}) {
      EXPECT_EQ(check("{\"" + std::string(name) + "\":" + std::string(value) + "}", {.now_s = 1000}),
                TimeFault::malformed)
          << name << " " << value;
    }
  }
}

TEST(Times, of_any_size_do_not_overflow) {
  EXPECT_EQ(check(R"({"exp":9223372036854775807,"nbf":-9223372036854775808})", {.now_s = 1000, .skew_s = 60}),
            TimeFault::none);
  EXPECT_EQ(check(R"({"exp":99999999999999999999999999})", {.now_s = 1000}), TimeFault::none);
  EXPECT_EQ(check(R"({"nbf":1e300})", {.now_s = 1000, .skew_s = 60}), TimeFault::not_yet_valid);
  EXPECT_EQ(check(R"({"iat":-1e300})", {.now_s = 1000, .max_age_s = 300}), TimeFault::too_old);
}

TEST(Times, are_claims_of_the_token_itself) {
  EXPECT_EQ(check(R"({"x":{"exp":1}})", {.now_s = 1000}), TimeFault::none);
  EXPECT_EQ(check("{}", {.now_s = 1000}), TimeFault::none);
}

TEST(Times, each_fault_has_a_sentence) {
  for (const TimeFault fault : {TimeFault::expired, TimeFault::not_yet_valid, TimeFault::issued_in_future,
                                TimeFault::too_old, TimeFault::no_issue_time, TimeFault::malformed}) {
    EXPECT_TRUE(to_string(fault).starts_with("the token"));
  }
  EXPECT_EQ(to_string(TimeFault::none), "");
}

TEST(Times, a_token_without_iat_was_issued_before_any_time) {
  Arena arena;
  const auto before = [&](std::string_view claims, std::int64_t time_s) {
    return was_issued_before(*parse_claims(claims, arena), time_s);
  };
  EXPECT_TRUE(before(R"({"iat":999.5})", 1000));
  EXPECT_FALSE(before(R"({"iat":1000})", 1000));
  EXPECT_TRUE(before("{}", 0));
  EXPECT_TRUE(before(R"({"iat":"2000"})", 1000));
}

}  // namespace
}  // namespace gatehouse::jose
