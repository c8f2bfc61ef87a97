#include "base/password_hash.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// Of crypt(3).
constexpr const char* kBcrypt = "$2y$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe";  // "password"

TEST(PasswordHash, takes_the_password_it_was_made_of_and_no_other) {
  const std::string hash = hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
  EXPECT_EQ(check_password_hash(hash), "");
  EXPECT_TRUE(verify_password(hash, "correct horse"));
  EXPECT_FALSE(verify_password(hash, "correct horsf"));
  EXPECT_FALSE(verify_password(hash, ""));
  EXPECT_FALSE(verify_password(hash, std::string_view("correct horse\0", 14)));
  EXPECT_NE(hash_password("correct horse"), hash) << "each has a salt of its own";
}

TEST(PasswordHash, takes_bcrypt) {
  EXPECT_EQ(check_password_hash(kBcrypt), "");
  EXPECT_TRUE(verify_password(kBcrypt, "password"));
  EXPECT_FALSE(verify_password(kBcrypt, "Password"));
  EXPECT_FALSE(verify_password(kBcrypt, std::string_view("password\0x", 10))) << "a NUL does not end the password";
}

TEST(PasswordHash, says_what_is_no_hash) {
  EXPECT_NE(check_password_hash(""), "");
  EXPECT_NE(check_password_hash("secret"), "");
  EXPECT_NE(check_password_hash("$1$abc$def"), "");
  EXPECT_NE(check_password_hash("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), "");
  EXPECT_EQ(check_password_hash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), "");
  EXPECT_NE(check_password_hash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$short"), "");
  EXPECT_NE(check_password_hash("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHR$aGFzaGhhc2hoYXNoaGFzaA"), "")
      << "spare bits";
  EXPECT_NE(check_password_hash("$argon2id$v=19$m=32,t=2,p=8$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), "")
      << "8 KiB a lane";
  EXPECT_NE(check_password_hash("$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), "")
      << "more memory than one attempt may cost";
  EXPECT_NE(check_password_hash("$2b$31$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe"), "");
  EXPECT_NE(check_password_hash("$2b$05$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFp"), "");
}

}  // namespace
}  // namespace gatehouse
