#include "jose/key.h"

#include <gtest/gtest.h>

#include <string>

#include "support/jwt.h"

namespace gatehouse::jose {
namespace {

using test::SigningKey;

constexpr std::string_view kText = "what is signed";

template <class T>
std::string fault_of(const Result<T>& made) {
  return made ? "" : made.error().detail;
}

Key must(Result<Key> made) {
  EXPECT_TRUE(made) << made.error().detail;
  return *std::move(made);
}

/// The key that verifies what `key` signs.
Key verifier(const SigningKey& key, Algorithm algorithm) {
  return must(Key::from_jwk(key.jwk(), algorithm));
}

class EachAlgorithm : public testing::TestWithParam<Algorithm> {};

TEST_P(EachAlgorithm, verifies_what_is_signed_and_nothing_else) {
  const std::string name(to_string(GetParam()));
  const SigningKey signer = SigningKey::fit_for(name);
  const Key key = verifier(signer, GetParam());
  EXPECT_EQ(key.algorithms(), AlgorithmSet(GetParam()));
  const std::string signature = signer.sign(name, kText);
  // More than once, since contexts are kept; a failure in between must not stay.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(key.verify(GetParam(), kText, signature));
    EXPECT_FALSE(key.verify(GetParam(), "what is not signed", signature));
  }
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    std::string wrong = signature;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_FALSE(key.verify(GetParam(), kText, wrong)) << i;
  }
  EXPECT_FALSE(key.verify(GetParam(), kText, ""));
  EXPECT_FALSE(key.verify(GetParam(), kText, signature.substr(1)));
  EXPECT_FALSE(key.verify(GetParam(), kText, signature.substr(0, signature.size() - 1)));
  EXPECT_FALSE(key.verify(GetParam(), kText, signature + '\0'));
  EXPECT_FALSE(key.verify(GetParam(), kText, '\0' + signature));
  EXPECT_FALSE(key.verify(GetParam(), kText, std::string(signature.size(), '\0')));
  EXPECT_FALSE(key.verify(GetParam(), kText, std::string(signature.size(), '\xff')));
  EXPECT_TRUE(key.verify(GetParam(), "", signer.sign(name, "")));
  const std::string large(100'000, 'x');
  EXPECT_TRUE(key.verify(GetParam(), large, signer.sign(name, large)));
}

TEST_P(EachAlgorithm, is_verified_with_no_other_one) {
  const std::string name(to_string(GetParam()));
  const SigningKey signer = SigningKey::fit_for(name);
  const std::string signature = signer.sign(name, kText);
  const Key key = verifier(signer, GetParam());
  for (std::size_t i = 0; i < kAlgorithmCount; ++i) {
    const auto other = static_cast<Algorithm>(i);
    EXPECT_EQ(key.verify(other, kText, signature), other == GetParam()) << to_string(other);
  }
}

TEST_P(EachAlgorithm, another_key_does_not_verify) {
  const std::string name(to_string(GetParam()));
  if (kHmac.contains(GetParam())) {
    const Key key = must(Key::from_secret(std::string(64, 'a'), GetParam()));
    EXPECT_FALSE(key.verify(GetParam(), kText, SigningKey::secret(std::string(64, 'b')).sign(name, kText)));
  } else {
    static const SigningKey other_rsa = SigningKey::rsa();
    const SigningKey signer = SigningKey::fit_for(name);
    const Key key = verifier(kRsa.contains(GetParam()) ? other_rsa : SigningKey::fit_for(name), GetParam());
    EXPECT_FALSE(key.verify(GetParam(), kText, signer.sign(name, kText)));
    EXPECT_TRUE(verifier(signer, GetParam()).verify(GetParam(), kText, signer.sign(name, kText)));
  }
}

TEST_P(EachAlgorithm, takes_each_form_of_a_public_key) {
  if (kHmac.contains(GetParam())) return;
  const std::string name(to_string(GetParam()));
  const SigningKey signer = SigningKey::fit_for(name);
  const std::string signature = signer.sign(name, kText);
  EXPECT_TRUE(must(Key::from_pem(signer.public_pem(), GetParam())).verify(GetParam(), kText, signature));
  EXPECT_TRUE(must(Key::from_pem(signer.certificate_pem(), GetParam())).verify(GetParam(), kText, signature));
  EXPECT_TRUE(
      must(Key::from_pem("a comment\n" + signer.public_pem() + "\n", GetParam())).verify(GetParam(), kText, signature));
  if (kRsa.contains(GetParam())) {
    EXPECT_TRUE(must(Key::from_pem(signer.rsa_public_pem(), GetParam())).verify(GetParam(), kText, signature));
  }
}

TEST_P(EachAlgorithm, has_a_name_that_parses) {
  EXPECT_EQ(parse_algorithm(to_string(GetParam())), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Key, EachAlgorithm,
                         testing::Values(Algorithm::HS256, Algorithm::HS384, Algorithm::HS512, Algorithm::RS256,
                                         Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384,
                                         Algorithm::PS512, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512,
                                         Algorithm::EdDSA),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST(AlgorithmName, none_is_not_an_algorithm_in_any_spelling) {
  for (const std::string_view name : {"none", "None", "NONE", "nOnE", "", "hs256", "Hs256", "HS256 ", " HS256", "HS1",
                                      "RS1", "ES256K", "EDDSA", "Ed25519", "dir", "A128KW"}) {
    EXPECT_EQ(parse_algorithm(name), std::nullopt) << name;
  }
  EXPECT_EQ(parse_algorithm(std::string_view("HS256\0", 6)), std::nullopt);
}

TEST(KeyFromSecret, refuses_what_is_shorter_than_the_hash) {
  for (const auto& [algorithm, size] :
       {std::pair{Algorithm::HS256, 32}, std::pair{Algorithm::HS384, 48}, std::pair{Algorithm::HS512, 64}}) {
    EXPECT_EQ(shortest_secret(algorithm), static_cast<std::size_t>(size));
    EXPECT_TRUE(Key::from_secret(std::string(size, 'x'), algorithm));
    EXPECT_EQ(
        fault_of(Key::from_secret(std::string(size - 1, 'x'), algorithm)),
        "a secret for " + std::string(to_string(algorithm)) + " must have at least " + std::to_string(size) + " bytes");
    EXPECT_FALSE(Key::from_secret("", algorithm));
  }
}

TEST(KeyFromSecret, of_any_length_gives_what_openssl_gives) {
  for (const std::size_t size : {32, 63, 64, 65, 127, 128, 129, 1000}) {
    const std::string secret(size, static_cast<char>(size));
    for (const Algorithm algorithm : {Algorithm::HS256, Algorithm::HS384, Algorithm::HS512}) {
      if (size < shortest_secret(algorithm)) continue;
      EXPECT_TRUE(must(Key::from_secret(secret, algorithm))
                      .verify(algorithm, kText, SigningKey::secret(secret).sign(to_string(algorithm), kText)));
    }
  }
}

TEST(KeyFromSecret, is_for_hmac_only) {
  for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::PS512, Algorithm::ES256, Algorithm::EdDSA}) {
    EXPECT_NE(fault_of(Key::from_secret(std::string(64, 'x'), algorithm)), "");
  }
}

TEST(KeyFromPem, refuses_hmac_private_keys_and_what_is_no_key) {
  const SigningKey key = SigningKey::ec();
  EXPECT_EQ(fault_of(Key::from_pem(key.public_pem(), Algorithm::HS256)),
            "HS256, HS384 and HS512 need a secret, not a public key");
  EXPECT_EQ(fault_of(Key::from_pem(key.private_pem(), Algorithm::ES256)),
            "this is a private key: give the public key, the gateway only verifies");
  EXPECT_NE(fault_of(Key::from_pem(key.public_pem() + key.private_pem(), Algorithm::ES256)), "");
  EXPECT_EQ(fault_of(Key::from_pem("", Algorithm::ES256)), "no PEM text: -----BEGIN PUBLIC KEY----- is expected");
  EXPECT_NE(fault_of(Key::from_pem(key.jwk(), Algorithm::ES256)), "");
  EXPECT_EQ(fault_of(Key::from_pem("-----BEGIN DH PARAMETERS-----\n", Algorithm::ES256)),
            "a PEM text must be a PUBLIC KEY, an RSA PUBLIC KEY or a CERTIFICATE");
  const std::string pem = key.public_pem();
  EXPECT_EQ(fault_of(Key::from_pem(pem.substr(0, pem.size() / 2), Algorithm::ES256)), "the PEM text is damaged");
  const std::string certificate = key.certificate_pem();
  EXPECT_EQ(fault_of(Key::from_pem(certificate.substr(0, 200), Algorithm::ES256)), "the PEM text is damaged");
}

TEST(KeyFromPem, refuses_a_key_that_is_not_the_algorithms) {
  EXPECT_EQ(fault_of(Key::from_pem(SigningKey::fit_for("RS256").public_pem(), Algorithm::ES256)),
            "an RSA key goes with RS256, RS384, RS512, PS256, PS384 and PS512 only");
  EXPECT_EQ(fault_of(Key::from_pem(SigningKey::ed25519().public_pem(), Algorithm::RS256)),
            "an Ed25519 key goes with EdDSA only");
  EXPECT_EQ(fault_of(Key::from_pem(SigningKey::ec("P-384").public_pem(), Algorithm::ES256)),
            "the algorithm does not go with the key's curve: ES256 needs P-256, ES384 P-384, ES512 P-521");
  EXPECT_NE(fault_of(Key::from_pem(SigningKey::ec("secp256k1").public_pem(), Algorithm::ES256)), "");
  EXPECT_NE(fault_of(Key::from_pem(SigningKey::ec().public_pem(), Algorithm::EdDSA)), "");
}

TEST(Key, takes_ecdsa_numbers_of_their_full_size_only) {
  for (const auto& [algorithm, half] :
       {std::pair{Algorithm::ES256, 32}, std::pair{Algorithm::ES384, 48}, std::pair{Algorithm::ES512, 66}}) {
    const SigningKey signer = SigningKey::fit_for(to_string(algorithm));
    const Key key = verifier(signer, algorithm);
    std::string signature = signer.sign(to_string(algorithm), kText);
    ASSERT_TRUE(key.verify(algorithm, kText, signature));
    signature.insert(static_cast<std::size_t>(half), 1, '\0');
    EXPECT_FALSE(key.verify(algorithm, kText, signature)) << "the same numbers, one with a zero in front";
  }
}

TEST(Key, takes_pss_with_a_salt_as_long_as_the_hash_only) {
  const SigningKey signer = SigningKey::fit_for("PS256");
  const Key key = verifier(signer, Algorithm::PS256);
  for (const int salt : {0, 20, 31, 32, 33, 64}) {
    EXPECT_EQ(key.verify(Algorithm::PS256, kText, signer.sign("PS256", kText, salt)), salt == 32) << salt;
  }
}

TEST(KeyFromPem, of_the_type_for_pss_goes_with_pss_only) {
  const SigningKey key = SigningKey::rsa_pss();
  const std::string signature = key.sign("PS384", kText);
  EXPECT_TRUE(must(Key::from_pem(key.public_pem(), Algorithm::PS384)).verify(Algorithm::PS384, kText, signature));
  EXPECT_EQ(fault_of(Key::from_pem(key.public_pem(), Algorithm::RS384)),
            "an RSA-PSS key goes with PS256, PS384 and PS512 only");
}

TEST(KeyFromPem, refuses_rsa_below_2048_bits) {
  EXPECT_EQ(fault_of(Key::from_pem(SigningKey::rsa(1024).public_pem(), Algorithm::RS256)),
            "an RSA key must have at least 2048 bits");
  EXPECT_EQ(fault_of(Key::from_pem(SigningKey::rsa(2040).certificate_pem(), Algorithm::PS256)),
            "an RSA key must have at least 2048 bits");
}

TEST(KeyFromJwk, honours_alg_use_and_key_ops) {
  const SigningKey key = SigningKey::fit_for("RS256");
  EXPECT_EQ(must(Key::from_jwk(key.jwk(R"("alg":"RS256","use":"sig","key_ops":["sign","verify"],"kid":"k")"))).kid(),
            "k");
  EXPECT_EQ(must(Key::from_jwk(key.jwk(R"("alg":"PS384")"))).algorithms(), AlgorithmSet(Algorithm::PS384));
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("use":"enc")"))), "the key's use is not sig");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("use":["sig"])"))), "the key's use is not sig");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("key_ops":["encrypt"])"))), "key_ops does not contain verify");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("key_ops":"verify")"))), "key_ops must be a list");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("alg":"RSA-OAEP")"))), "the key's alg is no signature algorithm");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("alg":"none")"))), "the key's alg is no signature algorithm");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("alg":"HS256")"))), "the key's alg does not go with its type");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("alg":"ES256")"))), "the key's alg does not go with its type");
  EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("kid":1)"))), "kid must be a string");
}

TEST(KeyFromJwk, without_alg_takes_what_is_allowed_of_its_own_family) {
  const Key rsa =
      must(Key::from_jwk(SigningKey::fit_for("RS256").jwk(), {Algorithm::RS256, Algorithm::PS256, Algorithm::HS256}));
  EXPECT_EQ(rsa.algorithms(), (AlgorithmSet{Algorithm::RS256, Algorithm::PS256}));
  EXPECT_EQ(must(Key::from_jwk(SigningKey::ec("P-521").jwk())).algorithms(), AlgorithmSet(Algorithm::ES512));
  EXPECT_EQ(must(Key::from_jwk(SigningKey::ed25519().jwk())).algorithms(), AlgorithmSet(Algorithm::EdDSA));
  const SigningKey secret = SigningKey::fit_for("HS256");
  EXPECT_EQ(must(Key::from_jwk(secret.jwk(), {Algorithm::HS384, Algorithm::RS256})).algorithms(),
            AlgorithmSet(Algorithm::HS384));
  EXPECT_EQ(fault_of(Key::from_jwk(secret.jwk())), "a secret needs alg, since several algorithms are allowed");
}

TEST(KeyFromJwk, refuses_what_is_not_allowed) {
  constexpr std::string_view kNone = "none of the allowed algorithms goes with the key";
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::fit_for("RS256").jwk(), kHmac)), kNone);
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::fit_for("RS256").jwk(R"("alg":"RS256")"), Algorithm::RS512)), kNone);
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::fit_for("HS256").jwk(R"("alg":"HS256")"), kAsymmetric)), kNone);
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::ec("P-384").jwk(), Algorithm::ES256)), kNone);
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::ec().jwk(), AlgorithmSet())), kNone);
}

TEST(KeyFromJwk, refuses_weak_and_damaged_keys) {
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::rsa(1024).jwk())), "an RSA key must have at least 2048 bits");
  EXPECT_EQ(fault_of(Key::from_jwk(SigningKey::secret("short").jwk(R"("alg":"HS256")"))),
            "a secret for HS256 must have at least 32 bytes");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"oct","alg":"HS256","k":"a b"})")), "k must be base64url");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"oct","alg":"HS256"})")), "k must be base64url");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"RSA","n":"AQAB"})")), "an RSA key needs n and e in base64url");
  const std::string modulus = test::base64url("\xc1" + std::string(254, '\x55') + "\x01");
  const std::string rsa = R"({"kty":"RSA","n":")" + modulus + R"(","e":")";
  EXPECT_EQ(fault_of(Key::from_jwk(rsa + "AQAB\"}")), "");
  EXPECT_EQ(fault_of(Key::from_jwk(rsa + "AQ\"}")), "an RSA key's exponent must be odd, above 1 and below 2^64");
  EXPECT_EQ(fault_of(Key::from_jwk(rsa + "Ag\"}")), "an RSA key's exponent must be odd, above 1 and below 2^64");
  EXPECT_EQ(fault_of(Key::from_jwk(rsa + "AQAAAAAAAAAB\"}")), "the RSA key's numbers are too large");
  const std::string huge = test::base64url(std::string(2048, '\xff'));
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"RSA","e":"AQAB","n":")" + huge + "\"}")),
            "an RSA key may have at most 8192 bits");
  const std::string zeros = test::base64url(std::string(32, '\0')), ones = test::base64url(std::string(32, '\1'));
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"EC","crv":"P-256","x":")" + ones + R"(","y":")" + ones + "\"}")),
            "x and y are no point of the curve");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + "\"}")),
            "x and y are no point of the curve");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"})")),
            "x and y must be numbers of the curve's size in base64url");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"EC","crv":"secp256k1","x":"AQ","y":"AQ"})")),
            "crv must be P-256, P-384 or P-521");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"OKP","crv":"X25519","x":")" + ones + "\"}")), "crv must be Ed25519");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})")), "x must be 32 bytes in base64url");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"AKP"})")), "kty must be oct, RSA, EC or OKP");
  EXPECT_EQ(fault_of(Key::from_jwk("[]")), "a JWK must be an object with kty");
  EXPECT_EQ(fault_of(Key::from_jwk("{}")), "a JWK must be an object with kty");
  EXPECT_EQ(fault_of(Key::from_jwk("{")), "the JWK is not sound JSON");
  EXPECT_EQ(fault_of(Key::from_jwk(R"({"kty":"oct","kty":"RSA"})")), "the JWK is not sound JSON");
}

TEST(KeyFromJwk, refuses_private_keys) {
  for (const SigningKey& key : {SigningKey::fit_for("RS256"), SigningKey::ec(), SigningKey::ed25519()}) {
    EXPECT_EQ(fault_of(Key::from_jwk(key.jwk(R"("d":"AQAB")"))),
              "this is a private key: give the public key, the gateway only verifies");
  }
}

}  // namespace
}  // namespace gatehouse::jose
