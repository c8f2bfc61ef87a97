#include "jose/base64url.h"

#include <gtest/gtest.h>

#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  Arena arena;
  const auto bytes = decode_base64url(text, arena);
  return bytes ? std::optional<std::string>(*bytes) : std::nullopt;
}

TEST(Base64url, decodes_what_was_encoded) {
  std::string bytes;
  for (int i = 0; i < 700; ++i) {
    ASSERT_EQ(decoded(test::base64url(bytes)), bytes) << i;
    bytes += static_cast<char>(i * 7 + 1);
  }
}

TEST(Base64url, decodes_the_vectors_of_rfc_4648) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("Zg"), "f");
  EXPECT_EQ(decoded("Zm8"), "fo");
  EXPECT_EQ(decoded("Zm9v"), "foo");
  EXPECT_EQ(decoded("Zm9vYg"), "foob");
  EXPECT_EQ(decoded("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64url, refuses_every_other_form_of_the_same_bytes) {
  for (const std::string_view text : {"Zg==", "Zm8=", "Zh", "Zm9", "Zm-", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v=", "Z",
                                      "Zm9vY", "+/+/", "Zm9\xc3", "Z."}) {
    EXPECT_EQ(decoded(text), std::nullopt) << text;
  }
  EXPECT_EQ(decoded(std::string_view("Zm\0v", 4)), std::nullopt);
}

TEST(Base64url, of_all_last_characters_takes_only_those_without_spare_bits) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  int two = 0, three = 0;
  for (const char c : kDigits) {
    two += decoded(std::string("A") + c).has_value();
    three += decoded(std::string("AA") + c).has_value();
  }
  EXPECT_EQ(two, 4);
  EXPECT_EQ(three, 16);
}

}  // namespace
}  // namespace gatehouse::jose
