#include "http/grpc.h"

#include <gtest/gtest.h>

namespace gatehouse::http {
namespace {

TEST(Grpc, is_recognised_by_its_type) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "Application/gRPC;charset=utf-8"}) {
    EXPECT_TRUE(is_grpc(type)) << type;
  }
  for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpc-web+proto", "text/plain"}) {
    EXPECT_FALSE(is_grpc(type)) << type;
  }
}

TEST(Grpc, says_how_long_a_call_may_take) {
  using namespace std::chrono;
  EXPECT_EQ(parse_grpc_timeout("2H"), hours(2));
  EXPECT_EQ(parse_grpc_timeout("99999999M"), minutes(99999999));
  EXPECT_EQ(parse_grpc_timeout("0S"), seconds(0));
  EXPECT_EQ(parse_grpc_timeout("250m"), milliseconds(250));
  EXPECT_EQ(parse_grpc_timeout("7u"), microseconds(7));
  EXPECT_EQ(parse_grpc_timeout("7n"), nanoseconds(7));
  EXPECT_GT(*parse_grpc_timeout("99999999H"), hours(999'999));
  for (const char* bad : {"", "5", "S", "123456789S", "-1S", "1.5S", "5s", "5 S"}) {
    EXPECT_FALSE(parse_grpc_timeout(bad).has_value()) << bad;
  }
}

TEST(Grpc, messages_are_percent_encoded) {
  Arena arena;
  EXPECT_EQ(grpc_message("100% \"ok\" \xc3\xa4\n", arena), "100%25 \"ok\" %C3%A4%0A");
}

}  // namespace
}  // namespace gatehouse::http
