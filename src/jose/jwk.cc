// Keys from JSON: RFC 7517, 7518 (section 6) and 8037.
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <vector>

#include "jose/base64url.h"
#include "jose/key.h"
#include "jose/public_key.h"

namespace gatehouse::jose {
namespace {

/// The bytes of a member that holds base64url; nullopt: there is none, or it holds something else.
std::optional<std::string> bytes_of(JsonValue jwk, std::string_view name) {
  const JsonValue member = jwk.member(name);
  const auto size = decoded_size(member.text().size());
  if (!member.is(JsonKind::string) || !size) return std::nullopt;
  std::string bytes(*size, '\0');
  if (!decode_base64url(member.text(), bytes.data())) return std::nullopt;
  return bytes;
}

const unsigned char* as_bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct FreeParameters {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeParameters>;

PkeyPointer key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return PkeyPointer(key);
}

Result<PkeyPointer> rsa_key(JsonValue jwk) {
  const auto n = bytes_of(jwk, "n"), e = bytes_of(jwk, "e");
  if (!n || !e || n->empty() || e->empty()) return fail({.detail = "an RSA key needs n and e in base64url"});
  if (n->size() > 4096 || e->size() > 8) return fail({.detail = "the RSA key's numbers are too large"});
  const Owned<BIGNUM> modulus(BN_bin2bn(as_bytes(*n), static_cast<int>(n->size()), nullptr));
  const Owned<BIGNUM> exponent(BN_bin2bn(as_bytes(*e), static_cast<int>(e->size()), nullptr));
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  PkeyPointer key = key_from("RSA", builder.get());
  if (key == nullptr) return fail({.detail = "n and e are no RSA key"});
  return key;
}

Result<PkeyPointer> ec_key(JsonValue jwk) {
  const std::string_view curve = jwk.member("crv").text();
  const std::size_t size = curve == "P-256" ? 32 : curve == "P-384" ? 48 : curve == "P-521" ? 66 : 0;
  if (size == 0) return fail({.detail = "crv must be P-256, P-384 or P-521"});
  const auto x = bytes_of(jwk, "x"), y = bytes_of(jwk, "y");
  if (!x || !y || x->size() != size || y->size() != size) {
    return fail({.detail = "x and y must be numbers of the curve's size in base64url"});
  }
  const std::string point = "\x04" + *x + *y;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.data(), curve.size());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  PkeyPointer key = key_from("EC", builder.get());
  if (key == nullptr) return fail({.detail = "x and y are no point of the curve"});
  return key;
}

Result<PkeyPointer> okp_key(JsonValue jwk) {
  if (jwk.member("crv").text() != "Ed25519") return fail({.detail = "crv must be Ed25519"});
  const auto x = bytes_of(jwk, "x");
  if (!x || x->size() != 32) return fail({.detail = "x must be 32 bytes in base64url"});
  PkeyPointer key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_bytes(*x), x->size()));
  if (key == nullptr) return fail({.detail = "x is no Ed25519 key"});
  return key;
}

/// "" where the JWK leaves verifying open.
const char* fault_of_purpose(JsonValue jwk) {
  if (const JsonValue use = jwk.member("use"); use && !(use.is(JsonKind::string) && use.text() == "sig")) {
    return "the key's use is not sig";
  }
  const JsonValue operations = jwk.member("key_ops");
  if (!operations) return "";
  if (!operations.is(JsonKind::array)) return "key_ops must be a list";
  for (const JsonValue operation : operations) {
    if (operation.is(JsonKind::string) && operation.text() == "verify") return "";
  }
  return "key_ops does not contain verify";
}

/// What the key may be used with, of `fit`; an error where that is nothing.
Result<AlgorithmSet> choose(JsonValue jwk, AlgorithmSet fit, AlgorithmSet allowed) {
  AlgorithmSet chosen = fit & allowed;
  if (const JsonValue alg = jwk.member("alg")) {
    // Some issuers call ES512 by its curve's number.
    const std::string_view name = alg.text() == "ES521" ? "ES512" : alg.text();
    const auto named = alg.is(JsonKind::string) ? parse_algorithm(name) : std::nullopt;
    if (!named) return fail({.detail = "the key's alg is no signature algorithm"});
    if (!fit.contains(*named)) return fail({.detail = "the key's alg does not go with its type"});
    chosen = AlgorithmSet(*named) & allowed;
  }
  if (chosen.empty()) return fail({.detail = "none of the allowed algorithms goes with the key"});
  return chosen;
}

}  // namespace

Result<Key> Key::from_jwk(std::string_view json, AlgorithmSet allowed) {
  Arena arena;
  const auto document = parse_json(json, arena);
  if (!document) return fail({.detail = "the JWK is not sound JSON"});
  return from_jwk(document->root(), allowed);
}

Result<Key> Key::from_jwk(JsonValue jwk, AlgorithmSet allowed) {
  const std::string_view type = jwk.member("kty").text();
  if (!jwk.member("kty").is(JsonKind::string)) return fail({.detail = "a JWK must be an object with kty"});
  const JsonValue kid = jwk.member("kid");
  if (kid && !kid.is(JsonKind::string)) return fail({.detail = "kid must be a string"});
  if (const char* fault = fault_of_purpose(jwk); *fault != '\0') return fail({.detail = fault});

  if (type == "oct") {
    auto secret = bytes_of(jwk, "k");
    if (!secret) return fail({.detail = "k must be base64url"});
    const auto algorithms = choose(jwk, kHmac, allowed);
    if (!algorithms) return fail(algorithms.error());
    const auto algorithm = algorithms->only();
    if (!algorithm) return fail({.detail = "a secret needs alg, since several algorithms are allowed"});
    auto key = from_secret(*secret, *algorithm);
    OPENSSL_cleanse(secret->data(), secret->size());
    if (key) key->kid_ = kid.text();
    return key;
  }
  if (jwk.member("d")) return fail({.detail = "this is a private key: give the public key, the gateway only verifies"});

  ERR_set_mark();
  auto made = type == "RSA"   ? rsa_key(jwk)
              : type == "EC"  ? ec_key(jwk)
              : type == "OKP" ? okp_key(jwk)
                              : Result<PkeyPointer>(fail({.detail = "kty must be oct, RSA, EC or OKP"}));
  ERR_pop_to_mark();
  if (!made) return fail(made.error());
  const auto algorithms = choose(jwk, algorithms_of(made->get()), allowed);
  if (!algorithms) return fail(algorithms.error());
  auto checked = PublicKey::make(*std::move(made), *algorithms);
  if (!checked) return fail(checked.error());
  Key key(*std::move(checked), *algorithms);
  key.kid_ = kid.text();
  return key;
}

}  // namespace gatehouse::jose
