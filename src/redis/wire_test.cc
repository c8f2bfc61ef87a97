#include "redis/wire.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <vector>

namespace gatehouse::redis {
namespace {

std::string written(const std::vector<std::string_view>& arguments) {
  std::string text;
  append_command(text, arguments);
  return text;
}

TEST(RedisWire, writes_commands_as_hiredis_does) {
  const std::string binary("\0\r\n$", 4), large(100'000, 'x');
  for (const std::vector<std::string_view>& arguments : std::vector<std::vector<std::string_view>>{
           {"PING"}, {"SET", "key", ""}, {"SET", binary, large}, {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"}}) {
    std::vector<const char*> data;
    std::vector<std::size_t> sizes;
    for (const std::string_view each : arguments) {
      data.push_back(each.data());
      sizes.push_back(each.size());
    }
    char* expected = nullptr;
    const int size = ::redisFormatCommandArgv(&expected, static_cast<int>(arguments.size()), data.data(), sizes.data());
    EXPECT_EQ(written(arguments), std::string(expected, static_cast<std::size_t>(size)));
    ::redisFreeCommand(expected);
  }
}

TEST(RedisWire, reads_several_replies_of_one_feed) {
  ReplyReader reader;
  RedisReply reply;
  reader.feed(":1\r\n+two\r\n$-1\r\n*-1\r\n*0\r\n:");
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_EQ(reply.integer, 1);
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_EQ(reply.text, "two");
  EXPECT_EQ(reply.kind, RedisReply::Kind::status);
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_TRUE(reply.is_nil());
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_TRUE(reply.is_nil());
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_EQ(reply.kind, RedisReply::Kind::array);
  EXPECT_TRUE(reply.items().empty());
  EXPECT_EQ(reader.next(reply), ReplyReader::Step::more);
  reader.feed("-9223372036854775808\r\n");
  ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
  EXPECT_EQ(reply.integer, INT64_MIN);
}

TEST(RedisWire, the_bounds_are_of_one_reply) {
  ReplyReader reader;
  RedisReply reply;
  const std::string one = "*20000\r\n" + [] {
    std::string items;
    for (int i = 0; i < 20'000; ++i) items += "$20\r\n01234567890123456789\r\n";
    return items;
  }();
  for (int i = 0; i < 10; ++i) {
    reader.feed(one);
    ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply) << reader.error();
    ASSERT_EQ(reply.count, 20'000U);
    EXPECT_EQ(reply.first[19'999].text, "01234567890123456789");
    EXPECT_EQ(reader.next(reply), ReplyReader::Step::more);
  }
}

TEST(RedisWire, begins_anew_after_a_failure) {
  ReplyReader reader;
  RedisReply reply;
  reader.feed("?\r\n");
  EXPECT_EQ(reader.next(reply), ReplyReader::Step::failed);
  reader.feed(":1\r\n");
  EXPECT_EQ(reader.next(reply), ReplyReader::Step::failed);
  reader.reset();
  reader.feed(":1\r\n");
  EXPECT_EQ(reader.next(reply), ReplyReader::Step::reply);
}

TEST(RedisWire, copies_all_of_a_reply) {
  Arena arena;
  RedisReply kept;
  {
    ReplyReader reader;
    RedisReply reply;
    reader.feed("*2\r\n$1\r\na\r\n*1\r\n+b\r\n");
    ASSERT_EQ(reader.next(reply), ReplyReader::Step::reply);
    kept = copy(reply, arena);
  }
  ASSERT_EQ(kept.count, 2U);
  EXPECT_EQ(kept.first[0].text, "a");
  EXPECT_EQ(kept.first[1].first[0].text, "b");
}

}  // namespace
}  // namespace gatehouse::redis
