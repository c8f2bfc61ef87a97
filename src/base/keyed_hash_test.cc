#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

TEST(KeyedHash, is_siphash_with_128_bits) {
  // vectors.h of the reference implementation: key 00 01 … 0f, input 00 01 02 …
  std::string text;
  const auto hash = [&] { return sip_hash(0x0706050403020100, 0x0f0e0d0c0b0a0908, text); };
  EXPECT_EQ(hash(), (Hash128{0x930255c71472f66d, 0xe6a825ba047f81a3}));
  text.push_back('\0');
  EXPECT_EQ(hash(), (Hash128{0x45fc229b11597634, 0x44af996bd8c187da}));
}

TEST(KeyedHash, tells_texts_apart) {
  EXPECT_EQ(keyed_hash("ip:10.0.0.1"), keyed_hash("ip:10.0.0.1"));
  EXPECT_NE(keyed_hash("ip:10.0.0.1"), keyed_hash("ip:10.0.0.2"));
  EXPECT_NE(keyed_hash(""), keyed_hash(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace gatehouse
