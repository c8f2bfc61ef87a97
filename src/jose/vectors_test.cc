// Public vectors: the JOSE cookbook (RFC 7520, 7797, 8037) and a part of Wycheproof.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "jose/base64url.h"
#include "jose/key.h"
#include "jose/token.h"

namespace gatehouse::jose {
namespace {

namespace bj = boost::json;

/// The vectors' file, or null where this machine has none.
bj::value read_vectors(const char* name) {
  const char* set = std::getenv("GATEHOUSE_CONFORMANCE");
  const std::filesystem::path folder =
      set != nullptr ? set : std::filesystem::path(GATEHOUSE_SOURCE_DIR) / "../shared/conformance";
  std::ifstream file(folder / name);
  if (!file) return nullptr;
  std::ostringstream text;
  text << file.rdbuf();
  return bj::parse(text.str());
}

/// The public half of a JWK.
std::string public_jwk(bj::object jwk) {
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi"}) jwk.erase(name);
  return bj::serialize(jwk);
}

std::string text_of(const bj::value& value) {
  return std::string(value.as_string());
}

/// Whether the token is one of ours and signed with `key`.
bool accepted(const Key& key, const std::string& jws) {
  Arena arena;
  const auto token = parse_compact(jws, arena);
  return token && verify(key, *token);
}

TEST(Vectors, of_the_jose_cookbook) {
  const bj::value vectors = read_vectors("jose-cookbook.json");
  if (vectors.is_null())
    GTEST_SKIP() << "no jose-cookbook.json beside the project; GATEHOUSE_CONFORMANCE names its folder";
  int verified = 0, refused = 0;
  for (const auto& [name, file] : vectors.at("files").as_object()) {
    const bj::value* signing = file.as_object().if_contains("signing");
    if (signing == nullptr) continue;
    SCOPED_TRACE(name);
    // One signature, or several of one payload.
    const bj::value& input = file.at("input");
    const auto one_of = [](const bj::value& value, std::size_t i) { return value.is_array() ? value.at(i) : value; };
    const std::size_t count = signing->is_array() ? signing->as_array().size() : 1;
    for (std::size_t i = 0; i < count; ++i) {
      const auto key = Key::from_jwk(public_jwk(one_of(input.at("key"), i).as_object()));
      ASSERT_TRUE(key) << key.error().detail;
      const auto algorithm = parse_algorithm(text_of(one_of(input.at("alg"), i)));
      ASSERT_TRUE(algorithm);
      const bj::value part = one_of(*signing, i);
      const std::string text = text_of(part.at("sig-input"));
      Arena arena;
      const auto signature = decode_base64url(part.at("sig").as_string(), arena);
      ASSERT_TRUE(signature);
      // Two of the files for b64 show a signing input that is not the one signed; their compact form is looked at
      // below.
      if (!name.starts_with("rfc7797/")) {
        EXPECT_TRUE(key->verify(*algorithm, text, *signature));
        EXPECT_FALSE(key->verify(*algorithm, text + "x", *signature));
        ++verified;
      }
      const bj::value* compact = file.at("output").as_object().if_contains("compact");
      if (compact == nullptr) continue;
      const bool extended = name.starts_with("rfc7797/");
      const bool detached = text_of(*compact).find("..") != std::string::npos;
      EXPECT_EQ(accepted(*key, text_of(*compact)), !extended && !detached) << text_of(*compact);
      if (extended || detached) ++refused;
    }
  }
  EXPECT_GE(verified, 10);
  EXPECT_EQ(refused, 2);
}

TEST(Vectors, keys_of_the_jose_cookbook) {
  const bj::value vectors = read_vectors("jose-cookbook.json");
  if (vectors.is_null())
    GTEST_SKIP() << "no jose-cookbook.json beside the project; GATEHOUSE_CONFORMANCE names its folder";
  int taken = 0;
  for (const auto& [name, file] : vectors.at("files").as_object()) {
    if (!name.starts_with("jwk/")) continue;
    SCOPED_TRACE(name);
    const auto key = Key::from_jwk(bj::serialize(file));
    const bool fit = name.find("private") == std::string::npos && name.find("encryption") == std::string::npos;
    EXPECT_EQ(key.has_value(), fit);
    if (!key) continue;
    EXPECT_EQ(key->kid(), file.at("kid").as_string());
    ++taken;
  }
  EXPECT_EQ(taken, 3);
}

TEST(Vectors, of_wycheproof) {
  const bj::value vectors = read_vectors("jws-wycheproof-part.json");
  if (vectors.is_null()) {
    GTEST_SKIP() << "no jws-wycheproof-part.json beside the project; GATEHOUSE_CONFORMANCE names its folder";
  }
  int valid = 0, invalid = 0;
  for (const bj::value& group : vectors.at("testGroups").as_array()) {
    const bj::object& keys = group.as_object();
    const bj::object jwk = keys.contains("public") ? keys.at("public").as_object() : keys.at("private").as_object();
    const auto key = Key::from_jwk(public_jwk(jwk));
    for (const bj::value& test : group.at("tests").as_array()) {
      const std::string comment = text_of(test.at("comment"));
      SCOPED_TRACE(text_of(group.at("comment")) + ": " + comment);
      if (comment == "Figure20") {
        // The key says PS256 and the token, which counts as valid, PS384. A key's alg is binding; without it, it fits.
        EXPECT_FALSE(key && accepted(*key, text_of(test.at("jws"))));
        bj::object open = jwk;
        open.erase("alg");
        const auto open_key = Key::from_jwk(public_jwk(open), {Algorithm::PS256, Algorithm::PS384});
        EXPECT_TRUE(open_key && accepted(*open_key, text_of(test.at("jws"))));
        continue;
      }
      const bool good = text_of(test.at("result")) == "valid";
      const bool taken = key && accepted(*key, text_of(test.at("jws")));
      EXPECT_EQ(taken, good) << (key ? "" : key.error().detail);
      ++(good ? valid : invalid);
    }
  }
  EXPECT_GT(valid, 10);
  EXPECT_GT(invalid, 10);
}

}  // namespace
}  // namespace gatehouse::jose
