#include "redis/slots.h"

#include <gtest/gtest.h>

#include "redis/wire.h"

namespace gatehouse::redis {
namespace {

const Address kAsked{"10.0.0.9", 7000};

std::string redirected(std::string_view text) {
  const auto found = redirection({RedisError::Fault::server, text}, kAsked);
  if (!found) return "none";
  return (found->ask ? "ask " : "moved ") + std::to_string(found->slot) + " " + found->to.text();
}

TEST(RedisSlots, are_those_of_the_specification) {
  EXPECT_EQ(crc16("123456789"), 0x31c3);
  EXPECT_EQ(slot_of("foo"), 12182U);
  EXPECT_EQ(slot_of("somekey"), 11058U);
  EXPECT_EQ(slot_of(""), 0U);
}

TEST(RedisSlots, go_by_the_hash_tag) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("a{user1000}{other}"), slot_of("user1000"));
  EXPECT_EQ(slot_of("{{bar}}"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{}{bar}"), crc16("foo{}{bar}") % kSlots);
  EXPECT_EQ(slot_of("foo{bar"), crc16("foo{bar") % kSlots);
}

TEST(RedisSlots, redirections_are_read) {
  EXPECT_EQ(redirected("MOVED 3999 127.0.0.1:6381"), "moved 3999 127.0.0.1:6381");
  EXPECT_EQ(redirected("ASK 16383 redis.test:1"), "ask 16383 redis.test:1");
  EXPECT_EQ(redirected("MOVED 1 ::1:6381"), "moved 1 [::1]:6381");
  EXPECT_EQ(redirected("MOVED 1 :6381"), "moved 1 10.0.0.9:6381");
  EXPECT_EQ(redirected("MOVED 1 ?:6381"), "moved 1 10.0.0.9:6381");
  for (const char* text : {"MOVED", "MOVED x", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a", "MOVED 1 a:0",
                           "MOVED 1 a:70000", "MOVED 1 a:1x", "MOVED 1  ", "ASKING 1 a:1", "ERR MOVED 1 a:1"}) {
    EXPECT_EQ(redirected(text), "none") << text;
  }
  EXPECT_FALSE(redirection({RedisError::Fault::timeout, "MOVED 1 a:1"}, kAsked));
}

std::string slots(std::string_view resp) {
  ReplyReader reader;
  RedisReply reply;
  reader.feed(resp);
  if (reader.next(reply) != ReplyReader::Step::reply) return "no reply";
  std::string text;
  const bool good = read_slots(reply, kAsked, [&](unsigned from, unsigned to, const Address& master) {
    text += std::to_string(from) + "-" + std::to_string(to) + " " + master.text() + ";";
  });
  return good ? text : "refused";
}

TEST(RedisSlots, the_map_is_read) {
  const std::string range = "*3\r\n:0\r\n:5460\r\n*3\r\n$9\r\n127.0.0.1\r\n:30001\r\n$2\r\nid\r\n";
  const std::string nameless = "*4\r\n:5461\r\n:16383\r\n*4\r\n$-1\r\n:30002\r\n$2\r\nid\r\n*0\r\n*2\r\n+a\r\n:1\r\n";
  EXPECT_EQ(slots("*2\r\n" + range + nameless), "0-5460 127.0.0.1:30001;5461-16383 10.0.0.9:30002;");
  EXPECT_EQ(slots("*0\r\n"), "");
  for (const char* bad :
       {"+OK\r\n", "*1\r\n:1\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n", "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+a\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n+a\r\n:1\r\n", "*1\r\n*3\r\n:2\r\n:1\r\n*2\r\n+a\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:0\r\n", "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n+b\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n+a\r\n"}) {
    EXPECT_EQ(slots(bad), "refused") << bad;
  }
}

}  // namespace
}  // namespace gatehouse::redis
