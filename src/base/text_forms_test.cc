#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/json_string.h"
#include "base/number.h"
#include "base/percent.h"
#include "base/utf8.h"

namespace gatehouse {
namespace {

std::string written(std::uint32_t point) {
  char bytes[4];
  return {bytes, put_utf8(bytes, point)};
}

TEST(Hex, digits_of_both_cases_and_nothing_else) {
  for (int c = 0; c < 256; ++c) {
    const std::size_t lower = std::string_view("0123456789abcdef").find(static_cast<char>(c));
    const std::size_t upper = std::string_view("0123456789ABCDEF").find(static_cast<char>(c));
    EXPECT_EQ(hex_value(static_cast<char>(c)), std::min<std::size_t>({lower, upper, 16})) << c;
  }
  EXPECT_EQ(from_hex("00fF"), 255u);
  EXPECT_EQ(from_hex("ffffffff"), 0xffffffffu);
  for (const char* const bad : {"", "g", "0x1", " 1", "1ffffffff"}) EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
}

TEST(Hex, is_written) {
  const std::uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff, 0x5a};
  EXPECT_EQ(hex(bytes), "000ff0ff5a");
  EXPECT_EQ(hex({}), "");
  char room[16];
  EXPECT_EQ(std::string(room, put_hex(room, 0xabcdef, 3)), "def");
  EXPECT_EQ(std::string(room, put_hex(room, 0x1, 16)), "0000000000000001");
}

TEST(Hex, percent_escapes) {
  EXPECT_EQ(percent_decoded("%2f..."), '/');
  EXPECT_EQ(percent_decoded("%2F"), '/');
  EXPECT_EQ(percent_decoded("%00"), 0);
  EXPECT_EQ(percent_decoded("%ff"), 255);
  for (const char* const bad : {"", "%", "%2", "%2g", "%g2", "2f%", "%%2f"}) EXPECT_EQ(percent_decoded(bad), -1) << bad;
}

TEST(Number, is_the_whole_text) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<double>("1.5"), 1.5);
  for (const char* const bad : {"", " 1", "1 ", "+1", "-", "-1", "0x1", "1.0", "65536"})
    EXPECT_EQ(parse_number<std::uint16_t>(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_number<int>({}), std::nullopt);
}

TEST(Number, may_be_cut_to_the_largest) {
  EXPECT_EQ(parse_number_or_most<std::uint32_t>("4294967296"), UINT32_MAX);
  EXPECT_EQ(parse_number_or_most<std::uint32_t>("7"), 7U);
  for (const char* const bad : {"", "99999999999x", "-1", "x"})
    EXPECT_EQ(parse_number_or_most<std::uint32_t>(bad), std::nullopt) << bad;
}

TEST(Number, is_taken_from_the_front) {
  std::string_view text = "12 34";
  int number = 0;
  EXPECT_TRUE(take_number(text, number));
  EXPECT_EQ(number, 12);
  EXPECT_EQ(text, " 34");
  EXPECT_FALSE(take_number(text, number));
  EXPECT_EQ(text, " 34");
}

TEST(Utf8, each_character_that_has_a_form_is_read_as_written) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    if (is_surrogate(point)) continue;
    const std::string text = written(point) + "\x80";
    std::uint32_t read = 0;
    ASSERT_EQ(decode_utf8(text, read), text.size() - 1) << point;
    ASSERT_EQ(read, point);
  }
}

TEST(Utf8, what_is_no_character) {
  using namespace std::string_literals;
  for (const std::string& bad : {"\x80"s, "\xbf"s, "\xc0\xaf"s, "\xc1\xbf"s, "\xc3"s, "\xc3("s, "\xe0\x9f\xbf"s,
                                 "\xe2\x82"s, "\xe2\x28\xa1"s, "\xed\xa0\x80"s, "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s,
                                 "\xf0\x9f\x98"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s}) {
    std::uint32_t point = 0;
    EXPECT_EQ(decode_utf8(bad, point), 0u) << hex({reinterpret_cast<const std::uint8_t*>(bad.data()), bad.size()});
    EXPECT_EQ(find_bad_utf8("ab\xc3\xa4" + bad + "c"), 4u);
  }
  EXPECT_EQ(find_bad_utf8("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), std::string_view::npos);
  EXPECT_EQ(find_bad_utf8(""), std::string_view::npos);
}

TEST(JsonString, is_what_a_parser_reads_back) {
  EXPECT_EQ(json_string(""), "\"\"");
  EXPECT_EQ(json_string("a\"b\\\n\r\t\b\f/"), R"("a\"b\\\n\r\t\b\f/")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(json_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(JsonString, what_is_not_utf8_is_replaced_byte_by_byte) {
  EXPECT_EQ(json_string("x\xff\xc0y"), R"("x\ufffd\ufffdy")");
  EXPECT_EQ(json_string("cut\xe2\x82"), R"("cut\ufffd\ufffd")");
}

}  // namespace
}  // namespace gatehouse
