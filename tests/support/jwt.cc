#define OPENSSL_SUPPRESS_DEPRECATED
#include "support/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>

namespace gatehouse::test {
namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "jwt: %s failed\n", what);
  std::abort();
}

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

const EVP_MD* hash_of(std::string_view algorithm) {
  if (algorithm.ends_with("256")) return EVP_sha256();
  if (algorithm.ends_with("384")) return EVP_sha384();
  must(algorithm.ends_with("512"), "finding the hash");
  return EVP_sha512();
}

template <class Write>
std::string written(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  must(write(bio) == 1, "writing a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string bytes_of(const BIGNUM* number, int size) {
  std::string bytes(static_cast<std::size_t>(size), '\0');
  must(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), size) == size, "writing a number");
  return bytes;
}

std::string parameter(const EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* number = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &number) == 1, "reading a key's number");
  std::string bytes = bytes_of(number, size != 0 ? size : BN_num_bytes(number));
  BN_free(number);
  return bytes;
}

/// ECDSA's r and s, next to each other.
std::string raw_signature(std::string_view der, int half) {
  const unsigned char* from = as_bytes(der);
  ECDSA_SIG* const signature = d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size()));
  must(signature != nullptr, "reading an ECDSA signature");
  std::string raw = bytes_of(ECDSA_SIG_get0_r(signature), half) + bytes_of(ECDSA_SIG_get0_s(signature), half);
  ECDSA_SIG_free(signature);
  return raw;
}

int coordinate_size(const EVP_PKEY* key) {
  return (EVP_PKEY_get_bits(key) + 7) / 8;
}

}  // namespace

SigningKey::SigningKey(evp_pkey_st* key) : key_(key, EVP_PKEY_free) {}

SigningKey SigningKey::secret(std::string bytes) {
  SigningKey key(nullptr);
  key.secret_ = std::move(bytes);
  return key;
}

SigningKey SigningKey::rsa(int bits) {
  EVP_PKEY* const key = EVP_RSA_gen(static_cast<unsigned>(bits));
  must(key != nullptr, "making an RSA key");
  return SigningKey(key);
}

SigningKey SigningKey::rsa_pss() {
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr);
  EVP_PKEY* key = nullptr;
  must(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1 &&
           EVP_PKEY_keygen(context, &key) == 1,
       "making an RSA-PSS key");
  EVP_PKEY_CTX_free(context);
  return SigningKey(key);
}

SigningKey SigningKey::ec(std::string_view curve) {
  EVP_PKEY* const key = EVP_EC_gen(std::string(curve).c_str());
  must(key != nullptr, "making a key on a curve");
  return SigningKey(key);
}

SigningKey SigningKey::ed25519() {
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  must(key != nullptr, "making an Ed25519 key");
  return SigningKey(key);
}

SigningKey SigningKey::fit_for(std::string_view algorithm) {
  if (algorithm.starts_with("HS"))
    return secret("a secret of at least sixty-four bytes, as HS512 demands of all secrets");
  if (algorithm.starts_with("RS") || algorithm.starts_with("PS")) {
    static const SigningKey one = rsa();
    return one;
  }
  if (algorithm == "EdDSA") return ed25519();
  return ec(algorithm == "ES256" ? "P-256" : algorithm == "ES384" ? "P-384" : "P-521");
}

std::string SigningKey::sign(std::string_view algorithm, std::string_view text, int salt) const {
  if (algorithm.starts_with("HS")) {
    must(key_ == nullptr, "finding a secret");
    std::string mac(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    HMAC(hash_of(algorithm), secret_.data(), static_cast<int>(secret_.size()), as_bytes(text), text.size(),
         reinterpret_cast<unsigned char*>(mac.data()), &size);
    mac.resize(size);
    return mac;
  }
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* details = nullptr;
  const EVP_MD* const hash = algorithm == "EdDSA" ? nullptr : hash_of(algorithm);
  must(EVP_DigestSignInit(context, &details, hash, nullptr, key_.get()) == 1, "beginning to sign");
  if (algorithm.starts_with("PS")) {
    must(EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(details, salt) == 1,
         "choosing PSS");
  }
  std::size_t size = 0;
  must(EVP_DigestSign(context, nullptr, &size, as_bytes(text), text.size()) == 1, "signing");
  std::string signature(size, '\0');
  must(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, as_bytes(text),
                      text.size()) == 1,
       "signing");
  signature.resize(size);
  EVP_MD_CTX_free(context);
  return algorithm.starts_with("ES") ? raw_signature(signature, coordinate_size(key_.get())) : signature;
}

std::string SigningKey::public_pem() const {
  return written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string SigningKey::rsa_public_pem() const {
  return written([&](BIO* bio) { return PEM_write_bio_RSAPublicKey(bio, EVP_PKEY_get0_RSA(key_.get())); });
}

std::string SigningKey::private_pem() const {
  return written(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string SigningKey::public_der() const {
  return written([&](BIO* bio) { return i2d_PUBKEY_bio(bio, key_.get()); });
}

std::string SigningKey::certificate_pem() const {
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key_.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, as_bytes("issuer"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  const bool hashes = !EVP_PKEY_is_a(key_.get(), "ED25519");
  must(X509_sign(certificate, key_.get(), hashes ? EVP_sha256() : nullptr) != 0, "signing a certificate");
  std::string pem = written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
  X509_free(certificate);
  return pem;
}

std::string SigningKey::jwk(std::string_view more) const {
  const auto member = [](std::string_view name, std::string_view bytes) {
    return ",\"" + std::string(name) + "\":\"" + base64url(bytes) + '"';
  };
  std::string text = "{" + std::string(more) + (more.empty() ? "" : ",");
  if (key_ == nullptr) return text + R"("kty":"oct")" + member("k", secret_) + "}";
  if (EVP_PKEY_is_a(key_.get(), "RSA")) {
    return text + R"("kty":"RSA")" + member("n", parameter(key_.get(), OSSL_PKEY_PARAM_RSA_N)) +
           member("e", parameter(key_.get(), OSSL_PKEY_PARAM_RSA_E)) + "}";
  }
  if (EVP_PKEY_is_a(key_.get(), "ED25519")) {
    std::string x(32, '\0');
    std::size_t size = x.size();
    must(EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()), &size) == 1,
         "reading an Ed25519 key");
    return text + R"("kty":"OKP","crv":"Ed25519")" + member("x", x) + "}";
  }
  const int size = coordinate_size(key_.get());
  return text + R"("kty":"EC","crv":"P-)" + std::to_string(EVP_PKEY_get_bits(key_.get())) + '"' +
         member("x", parameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, size)) +
         member("y", parameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size)) + "}";
}

std::string base64url(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) text += kDigits[bits >> (held - 6) & 63];
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 63];
  return text;
}

std::string jws(const SigningKey& key, std::string_view algorithm, std::string_view header, std::string_view payload) {
  const std::string text = base64url(header) + "." + base64url(payload);
  return text + "." + base64url(key.sign(algorithm, text));
}

std::string jwt(const SigningKey& key, std::string_view algorithm, std::string_view claims, std::string_view kid) {
  std::string header = R"({"alg":")" + std::string(algorithm) + R"(","typ":"JWT")";
  if (!kid.empty()) header += R"(,"kid":")" + std::string(kid) + '"';
  return jws(key, algorithm, header + "}", claims);
}

std::string jwks(const std::vector<std::string>& keys) {
  std::string text = R"({"keys":[)";
  for (const std::string& key : keys) text += (&key == keys.data() ? "" : ",") + key;
  return text + "]}";
}

}  // namespace gatehouse::test
