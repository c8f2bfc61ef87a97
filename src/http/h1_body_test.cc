#include "http/h1_body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::http {
namespace {

struct Result {
  std::string body;
  std::string trailers;
  std::string rest;
  bool last = false;
  bool failed = false;
  bool operator==(const Result&) const = default;
};
void PrintTo(const Result& result, std::ostream* out) {
  *out << "body=" << result.body << " trailers=" << result.trailers << " rest=" << result.rest
       << " last=" << result.last << " failed=" << result.failed;
}

/// Decodes `bytes` passed in pieces that end at `ends`, each in a buffer of exactly its size.
Result decode(const Framing& framing, const std::string& bytes, const std::vector<std::size_t>& ends) {
  Arena arena;
  Fields trailers(arena);
  BodyDecoder decoder;
  decoder.start(framing, &trailers);
  Result result;
  std::size_t from = 0;
  for (const std::size_t end : ends) {
    std::vector<char> piece(bytes.data() + from, bytes.data() + end);
    const BodyDecoder::Step step = decoder.decode(piece.data(), piece.size());
    if (step.failed) {
      result.failed = true;
      return result;
    }
    EXPECT_TRUE(step.data.empty() || step.data.data() == piece.data());
    EXPECT_TRUE(step.last || step.consumed == piece.size());
    result.body += step.data;
    if (step.last) {
      result.last = true;
      result.rest = bytes.substr(from + step.consumed);
      break;
    }
    from = end;
  }
  for (const Field& field : trailers) result.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
  return result;
}

Result chunked(const std::string& bytes) {
  return decode({Framing::Kind::chunked, 0}, bytes, {bytes.size()});
}

void expect_same_at_every_split(const std::string& bytes) {
  const Framing framing{Framing::Kind::chunked, 0};
  const Result whole = chunked(bytes);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    const Result result = decode(framing, bytes, {split, bytes.size()});
    if (whole.failed) {
      ASSERT_TRUE(result.failed) << bytes << " split at " << split;
    } else {
      ASSERT_EQ(result, whole) << bytes << " split at " << split;
    }
  }
  std::vector<std::size_t> all;
  for (std::size_t end = 1; end <= bytes.size(); ++end) all.push_back(end);
  const Result result = decode(framing, bytes, all);
  ASSERT_EQ(result.failed, whole.failed) << bytes;
  if (!whole.failed) ASSERT_EQ(result, whole) << bytes;
}

TEST(BodyDecoder, decodes_chunks) {
  for (const auto& [bytes, body] : {
           std::pair<std::string, std::string>{"0\r\n\r\n", ""},
           {"5\r\nhello\r\n0\r\n\r\n", "hello"},
           {"5\r\nhello\r\n6\r\n world\r\n00000\r\n\r\nGET", "hello world"},
           {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
           {"0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
           {"5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello"},
           {"1;" + std::string(255, 'e') + "\r\nx\r\n0\r\n\r\n", "x"},
           {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
       }) {
    const Result result = chunked(bytes);
    EXPECT_TRUE(result.last) << bytes;
    EXPECT_EQ(result.body, body) << bytes;
    expect_same_at_every_split(bytes);
  }
  EXPECT_EQ(chunked("0\r\n\r\nNEXT").rest, "NEXT");
}

TEST(BodyDecoder, refuses_bad_chunks) {
  for (const std::string& bytes : {
           std::string("\r\n"),
           std::string("x\r\n"),
           std::string("-1\r\n"),
           std::string("+1\r\n"),
           std::string("0x5\r\nhello"),
           std::string(" 5\r\nhello"),
           std::string("5 \r\nhello"),
           std::string("5 ;a\r\nhello"),
           std::string("5\t\r\n"),
           std::string("5\nhello\r\n"),
           std::string("5\rhello"),
           std::string("5\r\nhello!\r\n"),
           std::string("5\r\nhello\n0\r\n\r\n"),
           std::string("5\r\nhello\rx"),
           std::string("5\r\nhello0\r\n"),
           std::string("00000000000000005\r\n"),
           std::string("FFFFFFFFFFFFFFFFF\r\n"),
           std::string(";a\r\n"),
           std::string("5;a\nhello"),
           std::string("5;a\rb\r\n"),
           std::string("5;a\0b\r\n", 7),
           "5;" + std::string(256, 'e') + "\r\n",
           std::string("5;a\x01\r\n"),
           std::string("0\n\r\n"),
           std::string("0\r\n\n"),
           std::string("0\r\nX: a\n\r\n"),
           std::string("0\r\nX : a\r\n\r\n"),
           std::string("0\r\nX: a\r\n b\r\n\r\n"),
           std::string("0\r\n: a\r\n\r\n"),
           std::string("0\r\nX\r\n\r\n"),
           std::string("0\r\nX: \0\r\n\r\n", 11),
       }) {
    EXPECT_TRUE(chunked(bytes).failed) << bytes;
    expect_same_at_every_split(bytes);
  }
}

TEST(BodyDecoder, says_what_is_wrong_and_stays_failed) {
  BodyDecoder decoder;
  decoder.start({Framing::Kind::chunked, 0}, nullptr);
  std::string bytes = "zz";
  EXPECT_TRUE(decoder.decode(bytes.data(), bytes.size()).failed);
  EXPECT_STRNE(decoder.error(), "");
  bytes = "0\r\n\r\n";
  EXPECT_TRUE(decoder.decode(bytes.data(), bytes.size()).failed);
  EXPECT_FALSE(decoder.finish());
  EXPECT_FALSE(decoder.complete());
}

TEST(BodyDecoder, keeps_trailers_and_drops_forbidden_ones) {
  std::string section = "X-Checksum: abc\r\nGrpc-Status:0\r\nETag: \"1\"\r\n";
  for (const char* name :
       {"Transfer-Encoding", "Content-Length", "Host", "Trailer", "Connection", "Authorization", "Content-Encoding",
        "Content-Type", "Content-Range", "Expect", "Cookie", "Set-Cookie", "X-Forwarded-For", "Cache-Control", "TE",
        "Max-Forwards", "Proxy-Authorization", "WWW-Authenticate"}) {
    section += std::string(name) + ": chunked\r\n";
  }
  const std::string bytes = "1\r\nx\r\n0\r\n" + section + "\r\nNEXT";
  const Result result = chunked(bytes);
  EXPECT_TRUE(result.last);
  EXPECT_EQ(result.trailers, "X-Checksum=abc;Grpc-Status=0;ETag=\"1\";");
  EXPECT_EQ(result.rest, "NEXT");
  expect_same_at_every_split(bytes);
}

TEST(BodyDecoder, checks_trailers_that_nobody_wants) {
  for (const bool good : {true, false}) {
    BodyDecoder decoder;
    decoder.start({Framing::Kind::chunked, 0}, nullptr);
    std::string bytes = good ? "0\r\nX: y\r\n\r\n" : "0\r\nX y\r\n\r\n";
    EXPECT_EQ(decoder.decode(bytes.data(), bytes.size()).last, good);
  }
}

TEST(BodyDecoder, bounds_the_trailer_section) {
  auto fields = [](std::uint32_t count) {
    std::string bytes = "0\r\n";
    for (std::uint32_t i = 0; i < count; ++i) bytes += "X: y\r\n";
    return bytes + "\r\n";
  };
  EXPECT_TRUE(chunked(fields(BodyDecoder::kMaxTrailers)).last);
  EXPECT_TRUE(chunked(fields(BodyDecoder::kMaxTrailers + 1)).failed);
  auto value = [](std::size_t size) { return "0\r\nX: " + std::string(size - 7, 'v') + "\r\n\r\n"; };
  EXPECT_TRUE(chunked(value(BodyDecoder::kMaxTrailerBytes)).last);
  EXPECT_TRUE(chunked(value(BodyDecoder::kMaxTrailerBytes + 1)).failed);
}

TEST(BodyDecoder, gives_a_length_body_and_leaves_the_rest) {
  const Result result = decode({Framing::Kind::length, 5}, "helloNEXT", {3, 9});
  EXPECT_EQ(result.body, "hello");
  EXPECT_EQ(result.rest, "NEXT");
  BodyDecoder decoder;
  decoder.start({Framing::Kind::length, 5}, nullptr);
  std::string bytes = "hel";
  EXPECT_FALSE(decoder.decode(bytes.data(), bytes.size()).last);
  EXPECT_EQ(decoder.remaining(), 2u);
  EXPECT_FALSE(decoder.finish());
}

TEST(BodyDecoder, a_chunk_that_is_still_to_come_says_nothing_of_the_body_that_is) {
  BodyDecoder decoder;
  decoder.start({Framing::Kind::chunked, 0}, nullptr);
  std::string bytes = "5\r\nhel";
  EXPECT_EQ(decoder.decode(bytes.data(), bytes.size()).data, "hel");
  EXPECT_EQ(decoder.remaining(), 0u);
}

TEST(BodyDecoder, a_body_up_to_the_close_ends_with_the_connection) {
  BodyDecoder decoder;
  decoder.start({Framing::Kind::until_close, 0}, nullptr);
  std::string bytes = "anything";
  EXPECT_EQ(decoder.decode(bytes.data(), bytes.size()).data, "anything");
  EXPECT_FALSE(decoder.complete());
  EXPECT_TRUE(decoder.finish());
  EXPECT_TRUE(decoder.complete());
}

TEST(BodyDecoder, a_chunked_body_that_is_cut_off_is_an_error) {
  BodyDecoder decoder;
  decoder.start({Framing::Kind::chunked, 0}, nullptr);
  std::string bytes = "5\r\nhello\r\n";
  EXPECT_EQ(decoder.decode(bytes.data(), bytes.size()).data, "hello");
  EXPECT_FALSE(decoder.finish());
}

TEST(BodyDecoder, no_body_is_complete_at_once) {
  BodyDecoder decoder;
  for (const Framing& framing : {Framing{}, Framing{Framing::Kind::length, 0}}) {
    decoder.start(framing, nullptr);
    EXPECT_TRUE(decoder.complete());
    std::string next = "NEXT";
    const auto step = decoder.decode(next.data(), next.size());
    EXPECT_TRUE(step.last);
    EXPECT_EQ(step.consumed, 0u);
  }
}

}  // namespace
}  // namespace gatehouse::http
