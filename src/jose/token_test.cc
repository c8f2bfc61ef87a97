#include "jose/token.h"

#include <gtest/gtest.h>

#include <string>

#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

using test::base64url;
using test::SigningKey;

const SigningKey& hmac_key() {
  static const SigningKey key = SigningKey::fit_for("HS256");
  return key;
}

/// A token with that header, signed as HS256.
std::string with_header(std::string_view header) {
  return test::jws(hmac_key(), "HS256", header, "{}");
}

std::string fault_of(std::string_view token) {
  Arena arena;
  const auto parsed = parse_compact(token, arena);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().reason, Reason::unauthenticated);
  EXPECT_EQ(parsed.error().source, Source::downstream);
  return parsed.error().detail;
}

TEST(Token, has_the_parts_of_the_text) {
  Arena arena;
  const std::string text =
      test::jws(hmac_key(), "HS256", R"({"typ":"JWT","kid":"key \u0031","alg":"HS256"})", R"({"a":1})");
  const auto token = parse_compact(text, arena);
  ASSERT_TRUE(token) << token.error().detail;
  EXPECT_EQ(token->algorithm, Algorithm::HS256);
  EXPECT_EQ(token->kid, "key 1");
  EXPECT_EQ(token->typ, "JWT");
  EXPECT_EQ(token->payload, R"({"a":1})");
  EXPECT_EQ(token->signing_input, text.substr(0, text.rfind('.')));
  EXPECT_EQ(token->signature, hmac_key().sign("HS256", token->signing_input));
  EXPECT_TRUE(verify(*Key::from_jwk(hmac_key().jwk(), Algorithm::HS256), *token));
}

TEST(Token, may_have_no_kid_and_no_typ) {
  Arena arena;
  const auto token = parse_compact(with_header(R"({"alg":"HS256"})"), arena);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->kid, std::nullopt);
  EXPECT_EQ(token->typ, std::nullopt);
}

TEST(Token, of_the_algorithm_none_is_refused_in_every_spelling) {
  for (const std::string_view name : {"none", "None", "NONE", "nOnE", "NoNe", "", " none", "none "}) {
    const std::string header = R"({"alg":")" + std::string(name) + R"("})";
    EXPECT_EQ(fault_of(base64url(header) + "." + base64url("{}") + "."), "the token's alg is not taken") << name;
    EXPECT_EQ(fault_of(with_header(header)), "the token's alg is not taken") << name;
  }
  EXPECT_EQ(fault_of(with_header(R"({"\u0061lg":"n\u006fne"})")), "the token's alg is not taken");
  for (const std::string_view header :
       {"{}", R"({"alg":null})", R"({"alg":["HS256"]})", R"({"alg":0})", R"({"ALG":"HS256"})", R"({"alg":true})"}) {
    EXPECT_EQ(fault_of(with_header(header)), "the token's header has no alg") << header;
  }
}

TEST(Token, without_a_signature_is_refused) {
  EXPECT_EQ(fault_of(base64url(R"({"alg":"HS256"})") + "." + base64url("{}") + "."), "the token is not signed");
}

TEST(Token, has_exactly_three_parts) {
  constexpr std::string_view kThree = "a token has three parts with a dot between";
  for (const std::string_view text : {"", ".", "a.b", "a.b.c.d", "a.b.c.d.e.f", "token", "......"}) {
    EXPECT_EQ(fault_of(text), kThree) << text;
  }
  EXPECT_EQ(fault_of("a.b.c.d.e"), "an encrypted token (JWE) is not taken");
  EXPECT_NE(fault_of(".."), "");
  EXPECT_NE(fault_of(R"({"payload":"","protected":"","signature":""})"), "");
}

TEST(Token, is_base64url_and_nothing_around_it) {
  const std::string token = with_header(R"({"alg":"HS256"})");
  ASSERT_EQ(fault_of(token), "");
  for (const std::string_view more : {" ", "\n", "=", "==", "\t", ",", "x.", "\r\n"}) {
    EXPECT_NE(fault_of(token + std::string(more)), "") << more;
    EXPECT_NE(fault_of(std::string(more) + token), "") << more;
  }
  EXPECT_NE(fault_of(token + '\0'), "");
  // 32 bytes end in a character with two spare bits.
  std::string spare = token;
  spare.back() = static_cast<char>(spare.back() + 1);
  EXPECT_EQ(fault_of(spare), "the token's signature is not base64url");
}

TEST(Token, that_is_truncated_is_refused_or_fails_its_signature) {
  const std::string token = with_header(R"({"alg":"HS256","kid":"1"})");
  const Key key = *Key::from_jwk(hmac_key().jwk(), Algorithm::HS256);
  for (std::size_t size = 0; size < token.size(); ++size) {
    Arena arena;
    const auto parsed = parse_compact(std::string_view(token).substr(0, size), arena);
    EXPECT_FALSE(parsed && verify(key, *parsed)) << size;
  }
}

TEST(Token, with_extensions_is_refused) {
  constexpr std::string_view kCritical = "the token has critical extensions, none of which are understood";
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","crit":["exp"],"exp":1})")), kCritical);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","crit":[]})")), kCritical);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","crit":null})")), kCritical);
  EXPECT_EQ(fault_of(with_header(R"({"crit":["b64"],"b64":true,"alg":"HS256"})")), kCritical);
  for (const std::string_view value : {"false", "null", "0", "\"true \""}) {
    EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","b64":)" + std::string(value) + "}")),
              "a token whose payload is not base64url is not taken");
  }
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","b64":true})")), "");
}

TEST(Token, with_a_sound_header_only) {
  constexpr std::string_view kSound = "the token's header is not sound JSON";
  EXPECT_EQ(fault_of(with_header(R"({"alg":"none","alg":"HS256"})")), kSound);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","kid":"a","k\u0069d":"b"})")), kSound);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256"}x)")), kSound);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256")")), kSound);
  EXPECT_EQ(fault_of(with_header("")), kSound);
  EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256","x":)" + std::string(9, '[') + std::string(9, ']') + "}")), kSound);
  EXPECT_EQ(fault_of(with_header(R"(["alg"])")), "the token's header is not a JSON object");
  EXPECT_EQ(fault_of(with_header(R"("HS256")")), "the token's header is not a JSON object");
  for (const std::string_view member : {R"("kid":1)", R"("kid":null)", R"("typ":["JWT"])"}) {
    EXPECT_EQ(fault_of(with_header(R"({"alg":"HS256",)" + std::string(member) + "}")),
              "the token's kid and typ must be strings");
  }
}

TEST(Token, does_not_look_at_keys_that_the_header_brings) {
  const SigningKey own = SigningKey::ec();
  const std::string header = R"({"alg":"ES256","jku":"https://x.example/","x5u":1,"x5c":[],"jwk":)" + own.jwk() + "}";
  Arena arena;
  const std::string text = test::jws(own, "ES256", header, "{}");
  const auto token = parse_compact(text, arena);
  ASSERT_TRUE(token);
  EXPECT_FALSE(verify(*Key::from_jwk(SigningKey::ec().jwk()), *token));
}

TEST(Token, has_a_longest_length) {
  const auto of_size = [](std::size_t size) {
    std::string text = base64url(R"({"alg":"HS256"})") + "..";
    return text.insert(text.size() - 1, std::string(size - text.size() - 2, 'A')) + "AA";
  };
  ASSERT_EQ(of_size(kMaxToken).size(), kMaxToken);
  EXPECT_NE(fault_of(of_size(kMaxToken)), "the token is too long");
  EXPECT_EQ(fault_of(of_size(kMaxToken + 1)), "the token is too long");
  Arena arena;
  EXPECT_FALSE(parse_compact(with_header(R"({"alg":"HS256"})"), arena, 20));
}

/// Tokens that mean to have a public key taken for a secret, or an algorithm for another.
class Confusion : public testing::TestWithParam<const char*> {};

TEST_P(Confusion, hmac_with_the_bytes_of_a_public_key_verifies_with_no_key_made_of_it) {
  const std::string name = GetParam();
  const SigningKey key = SigningKey::fit_for(name);
  std::string pem = key.public_pem();
  std::vector<std::string> secrets = {pem, key.public_der(), key.jwk(), key.certificate_pem(), "", pem + "\n"};
  pem.pop_back();
  secrets.push_back(pem);
  const Algorithm algorithm = *parse_algorithm(name);
  const std::vector<Key> keys = {*Key::from_pem(key.public_pem(), algorithm), *Key::from_jwk(key.jwk()),
                                 *Key::from_jwk(key.jwk(), kAllAlgorithms)};
  for (const std::string& secret : secrets) {
    for (const char* hmac : {"HS256", "HS384", "HS512"}) {
      Arena arena;
      const std::string text = test::jwt(SigningKey::secret(secret), hmac, "{}");
      const auto token = parse_compact(text, arena);
      ASSERT_TRUE(token);
      for (const Key& own : keys) {
        EXPECT_TRUE((own.algorithms() & kHmac).empty());
        EXPECT_FALSE(verify(own, *token));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Token, Confusion, testing::Values("RS256", "PS256", "ES256", "ES512", "EdDSA"));

TEST(Token, whose_alg_was_swapped_is_refused) {
  const SigningKey key = SigningKey::fit_for("RS256");
  const Key pinned = *Key::from_pem(key.public_pem(), Algorithm::RS256);
  const Key open = *Key::from_jwk(key.jwk());
  for (const auto& [claimed, used] : {std::pair{"PS256", "RS256"}, std::pair{"RS256", "PS256"},
                                      std::pair{"RS384", "RS256"}, std::pair{"RS256", "RS512"}}) {
    Arena arena;
    const std::string text = test::jws(key, used, R"({"alg":")" + std::string(claimed) + R"("})", "{}");
    const auto token = parse_compact(text, arena);
    ASSERT_TRUE(token);
    EXPECT_FALSE(verify(pinned, *token)) << claimed << " for " << used;
    EXPECT_FALSE(verify(open, *token)) << claimed << " for " << used;
  }
  Arena arena;
  const std::string text = test::jwt(key, "PS256", "{}");
  const auto token = parse_compact(text, arena);
  EXPECT_FALSE(verify(pinned, *token)) << "rightly signed, but not with the key's algorithm";
  EXPECT_TRUE(verify(open, *token));
}

}  // namespace
}  // namespace gatehouse::jose
