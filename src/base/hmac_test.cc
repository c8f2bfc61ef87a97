#include "base/hmac.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

std::string hex_of(const HashValue& value) {
  std::string text;
  for (const char byte : value.view()) {
    text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(Hmac, makes_the_signatures_of_rfc_2202_and_rfc_4231) {
  const std::string_view text = "what do ya want for nothing?";
  EXPECT_EQ(hex_of(HmacKey(HashKind::sha1, "Jefe").sign(text)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex_of(HmacKey(HashKind::sha256, "Jefe").sign(text)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_of(HmacKey(HashKind::sha384, "Jefe").sign(text)),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(
      hex_of(HmacKey(HashKind::sha512, "Jefe").sign(text)),
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b"
      "4b636e070a38bce737");
}

TEST(Hmac, hashes_keys_that_are_longer_than_a_block) {
  const std::string key(131, '\xaa');
  const std::string_view text = "Test Using Larger Than Block-Size Key - Hash Key First";
  EXPECT_EQ(hex_of(HmacKey(HashKind::sha256, key).sign(text)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      hex_of(HmacKey(HashKind::sha512, key).sign(text)),
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0a"
      "ec8b915a985d786598");
}

TEST(Hmac, signs_again_and_again) {
  const HmacKey key(HashKind::sha256, "secret");
  const std::string first = hex_of(key.sign("a"));
  EXPECT_NE(hex_of(key.sign("b")), first);
  EXPECT_EQ(hex_of(key.sign("a")), first);
}

TEST(Hash, is_that_of_fips_180_4) {
  EXPECT_EQ(hex_of(hash_of(HashKind::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_of(hash_of(HashKind::sha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(hex_of(hash_of(HashKind::sha384, "abc")).starts_with("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"));
  EXPECT_TRUE(hex_of(hash_of(HashKind::sha512, "abc")).starts_with("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"));
}

}  // namespace
}  // namespace gatehouse
