#include "base/base64.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string decoded(std::string_view text) {
  std::string to(base64_room(text.size()), '\0');
  const std::size_t size = base64_decode(text, to.data());
  if (size == std::string_view::npos) return "none";
  to.resize(size);
  return to;
}

TEST(Base64, encodes_and_decodes_the_vectors_of_rfc_4648) {
  constexpr std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                              {"f", "Zg=="},
                                                              {"fo", "Zm8="},
                                                              {"foo", "Zm9v"},
                                                              {"foob", "Zm9vYg=="},
                                                              {"fooba", "Zm9vYmE="},
                                                              {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(decoded(text), bytes);
  }
  EXPECT_EQ(decoded(base64_encode(std::string_view("\xff\0\xfe\x80", 4))), std::string_view("\xff\0\xfe\x80", 4));
}

TEST(Base64, takes_one_form_alone) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "====", "Z===", "Zm 9v", "Zm9v\n", "Zm-_", "Z=g="})
    EXPECT_EQ(decoded(text), "none") << text;
}

}  // namespace
}  // namespace gatehouse
