#include "jose/key_set.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

using test::jwks;
using test::SigningKey;

KeySet must(Result<KeySet> parsed) {
  EXPECT_TRUE(parsed) << parsed.error().detail;
  return parsed ? *std::move(parsed) : KeySet();
}

std::string fault_of(std::string_view text, AlgorithmSet allowed = kAsymmetric) {
  const auto parsed = parse_jwks(text, allowed);
  return parsed ? "" : parsed.error().detail;
}

/// The kid of the key that verifies the token, "none" if there is none.
std::string signer_of(const KeySet& keys, std::string_view text) {
  Arena arena;
  const auto token = parse_compact(text, arena);
  EXPECT_TRUE(token);
  const Key* key = keys.verify(*token);
  return key == nullptr ? "none" : key->kid();
}

std::string with_kid(const SigningKey& key, const std::string& kid) {
  return key.jwk(R"("kid":")" + kid + '"');
}

TEST(KeySet, finds_keys_by_kid) {
  const SigningKey a = SigningKey::ec(), b = SigningKey::fit_for("RS256"), c = SigningKey::ed25519();
  const KeySet keys = must(parse_jwks(jwks({with_kid(b, "b"), with_kid(a, "a"), c.jwk()}), kAsymmetric));
  EXPECT_EQ(keys.keys().size(), 3u);
  ASSERT_EQ(keys.find("a").size(), 1u);
  EXPECT_EQ(keys.find("a")[0].algorithms(), AlgorithmSet(Algorithm::ES256));
  EXPECT_EQ(keys.find("b")[0].algorithms(), kRsa);
  EXPECT_EQ(keys.find("").size(), 1u);
  EXPECT_TRUE(keys.find("c").empty());
  EXPECT_EQ(signer_of(keys, test::jwt(a, "ES256", "{}", "a")), "a");
  EXPECT_EQ(signer_of(keys, test::jwt(b, "PS256", "{}", "b")), "b");
}

TEST(KeySet, a_kid_of_another_key_does_not_verify) {
  const SigningKey a = SigningKey::ec(), b = SigningKey::ec();
  const KeySet keys = must(parse_jwks(jwks({with_kid(a, "a"), with_kid(b, "b")}), kAsymmetric));
  EXPECT_EQ(signer_of(keys, test::jwt(a, "ES256", "{}", "b")), "none");
  EXPECT_EQ(signer_of(keys, test::jwt(a, "ES256", "{}", "unknown")), "none");
  EXPECT_EQ(signer_of(keys, test::jwt(a, "ES256", "{}")), "a") << "without a kid all are tried";
  EXPECT_EQ(signer_of(keys, test::jwt(SigningKey::ec(), "ES256", "{}")), "none");
}

TEST(KeySet, a_key_without_kid_is_tried_on_any_token) {
  const SigningKey a = SigningKey::ec(), b = SigningKey::ec();
  const KeySet keys = must(parse_jwks(jwks({with_kid(a, "a"), b.jwk()}), kAsymmetric));
  EXPECT_EQ(signer_of(keys, test::jwt(b, "ES256", "{}", "x")), "");
  EXPECT_EQ(signer_of(keys, test::jwt(b, "ES256", "{}", "a")), "");
}

TEST(KeySet, keeps_all_keys_of_one_kid) {
  const SigningKey a = SigningKey::ec(), b = SigningKey::ed25519(), c = SigningKey::ec();
  const KeySet keys = must(parse_jwks(jwks({with_kid(a, "k"), with_kid(b, "k"), with_kid(c, "k")}), kAsymmetric));
  EXPECT_EQ(keys.find("k").size(), 3u);
  for (const auto& [key, name] : {std::pair{a, "ES256"}, std::pair{b, "EdDSA"}, std::pair{c, "ES256"}}) {
    EXPECT_EQ(signer_of(keys, test::jwt(key, name, "{}", "k")), "k");
  }
}

TEST(KeySet, tries_a_bounded_number_of_keys) {
  std::vector<std::string> texts;
  std::vector<SigningKey> signers;
  for (std::size_t i = 0; i <= kMaxTries; ++i) {
    signers.push_back(SigningKey::ec());
    texts.push_back(with_kid(signers.back(), "k"));
  }
  const SigningKey other = SigningKey::ed25519();
  texts.push_back(with_kid(other, "k"));
  const KeySet keys = must(parse_jwks(jwks(texts), kAsymmetric));
  EXPECT_EQ(signer_of(keys, test::jwt(signers[kMaxTries - 1], "ES256", "{}", "k")), "k");
  EXPECT_EQ(signer_of(keys, test::jwt(signers[kMaxTries], "ES256", "{}", "k")), "none");
  EXPECT_EQ(signer_of(keys, test::jwt(other, "EdDSA", "{}", "k")), "k") << "keys of other algorithms do not count";
}

TEST(KeySet, leaves_out_what_it_cannot_use_and_counts_it) {
  const SigningKey good = SigningKey::ec();
  const KeySet keys =
      must(parse_jwks(jwks({good.jwk(R"("use":"enc")"), R"({"kty":"AKP","alg":"ML-DSA-44","pub":"AA"})", R"({})",
                            good.jwk(R"("alg":"ECDH-ES")"), SigningKey::rsa(1024).jwk(),
                            SigningKey::fit_for("HS256").jwk(R"("alg":"HS256")"), good.jwk(R"("d":"AA")"),
                            R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", with_kid(good, "good")}),
                      kAsymmetric));
  ASSERT_EQ(keys.keys().size(), 1u);
  EXPECT_EQ(keys.keys()[0].kid(), "good");
  EXPECT_EQ(keys.skipped(), 8u);
  EXPECT_STREQ(keys.skipped_why(), "the key's use is not sig");
}

TEST(KeySet, takes_secrets_only_where_hmac_is_allowed) {
  const std::string text = jwks({SigningKey::fit_for("HS256").jwk(R"("alg":"HS256")")});
  EXPECT_EQ(must(parse_jwks(text, kAsymmetric)).keys().size(), 0u);
  EXPECT_EQ(must(parse_jwks(text, kAllAlgorithms)).keys().size(), 1u);
}

TEST(KeySet, of_a_malformed_text_is_an_error) {
  constexpr std::string_view kNoSet = "a JWK Set is a JSON object with a list of keys";
  for (const std::string_view text : {"{}", "[]", "null", R"({"keys":{}})", R"({"keys":null})", R"({"Keys":[]})"}) {
    EXPECT_EQ(fault_of(text), kNoSet) << text;
  }
  EXPECT_EQ(fault_of(""), "the text is not JSON");
  EXPECT_EQ(fault_of("<html>"), "the text is not JSON");
  EXPECT_EQ(fault_of(R"({"keys":[],"keys":[]})"), "an object has a name twice");
  EXPECT_EQ(fault_of(R"({"keys":[{"kty":"EC","kty":"RSA"}]})"), "an object has a name twice");
  EXPECT_EQ(fault_of(R"({"keys":["x"]})"), "each key of a JWK Set is a JSON object");
  EXPECT_EQ(fault_of(R"({"keys":[]})" + std::string("x")), "something follows the JSON value");
  EXPECT_EQ(fault_of(R"({"keys":[],"other":[1,2]})"), "");
}

TEST(KeySet, of_a_text_without_bounds_is_an_error) {
  EXPECT_EQ(fault_of(R"({"keys":[]})" + std::string(kMaxKeySetText, ' ')), "the JWK Set is longer than 1 MiB");
  EXPECT_EQ(fault_of(R"({"keys":[]})" + std::string(kMaxKeySetText - 11, ' ')), "");
  EXPECT_EQ(fault_of(R"({"x":)" + std::string(100'000, '[')), "the JSON is nested too deeply");
  EXPECT_EQ(fault_of(jwks(std::vector<std::string>(kMaxKeySetKeys, "{}"))), "");
  EXPECT_EQ(fault_of(jwks(std::vector<std::string>(kMaxKeySetKeys + 1, "{}"))), "the JWK Set has more than 1,000 keys");
}

TEST(KeySet, verifies_on_several_threads_at_once) {
  const SigningKey ec = SigningKey::ec(), rsa = SigningKey::fit_for("RS256"), ed = SigningKey::ed25519();
  const KeySet keys =
      must(parse_jwks(jwks({with_kid(ec, "ec"), with_kid(rsa, "rsa"), with_kid(ed, "ed")}), kAsymmetric));
  const std::string of_ec = test::jwt(ec, "ES256", "{}", "ec"), of_rsa = test::jwt(rsa, "RS256", "{}", "rsa"),
                    of_ed = test::jwt(ed, "EdDSA", "{}", "ed"),
                    wrong = test::jwt(SigningKey::ec(), "ES256", "{}", "ec");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(signer_of(keys, of_ec), "ec");
        EXPECT_EQ(signer_of(keys, wrong), "none");
        EXPECT_EQ(signer_of(keys, of_rsa), "rsa");
        EXPECT_EQ(signer_of(keys, of_ed), "ed");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(KeySet, of_more_keys_than_a_thread_keeps_contexts_for_verifies_with_each) {
  std::vector<std::string> texts, tokens;
  for (int i = 0; i < 300; ++i) {
    const SigningKey key = SigningKey::ed25519();
    texts.push_back(with_kid(key, std::to_string(i)));
    tokens.push_back(test::jwt(key, "EdDSA", "{}", std::to_string(i)));
  }
  const KeySet keys = must(parse_jwks(jwks(texts), kAsymmetric));
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(signer_of(keys, tokens[i]), std::to_string(i));
  }
}

TEST(KeySet, has_a_number_that_only_its_copies_have) {
  const std::string text = jwks({with_kid(SigningKey::ed25519(), "a")});
  const KeySet first = must(parse_jwks(text, kAsymmetric)), again = must(parse_jwks(text, kAsymmetric));
  const KeySet copy = first;
  EXPECT_NE(first.serial(), again.serial());
  EXPECT_EQ(first.serial(), copy.serial());
}

}  // namespace
}  // namespace gatehouse::jose
