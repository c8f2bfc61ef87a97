#include "jose/key.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "jose/public_key.h"

namespace gatehouse::jose {
namespace {

const char* too_short(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::HS256:
      return "a secret for HS256 must have at least 32 bytes";
    case Algorithm::HS384:
      return "a secret for HS384 must have at least 48 bytes";
    default:
      return "a secret for HS512 must have at least 64 bytes";
  }
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

PkeyPointer read_certificate(BIO* bio) {
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  if (certificate == nullptr) return nullptr;
  PkeyPointer key(X509_get_pubkey(certificate));
  X509_free(certificate);
  return key;
}

PkeyPointer read_public_key(BIO* bio) {
  EVP_PKEY* key = nullptr;
  OSSL_DECODER_CTX* const decoder =
      OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", nullptr, nullptr, EVP_PKEY_PUBLIC_KEY, nullptr, nullptr);
  if (decoder == nullptr || OSSL_DECODER_from_bio(decoder, bio) != 1) key = nullptr;
  OSSL_DECODER_CTX_free(decoder);
  return PkeyPointer(key);
}

}  // namespace

Result<Key> Key::from_secret(std::string_view secret, Algorithm algorithm) {
  if (!kHmac.contains(algorithm)) {
    return fail({.detail = "a secret goes with HS256, HS384 and HS512 only; other algorithms need a public key"});
  }
  if (secret.size() < shortest_secret(algorithm)) return fail({.detail = too_short(algorithm)});
  return Key(std::make_shared<const HmacKey>(hash_kind(algorithm), secret), algorithm);
}

Result<Key> Key::from_pem(std::string_view pem, Algorithm algorithm) {
  if (kHmac.contains(algorithm)) return fail({.detail = "HS256, HS384 and HS512 need a secret, not a public key"});
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return fail({.detail = "this is a private key: give the public key, the gateway only verifies"});
  }
  constexpr std::string_view kBegin = "-----BEGIN ";
  const std::size_t begin = pem.find(kBegin);
  if (begin == std::string_view::npos) return fail({.detail = "no PEM text: -----BEGIN PUBLIC KEY----- is expected"});
  pem.remove_prefix(begin);
  const std::string_view label = pem.substr(kBegin.size());

  ERR_set_mark();
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPointer key;
  const char* fault = "the PEM text is damaged";
  if (label.starts_with("CERTIFICATE-----")) {
    key = read_certificate(bio.get());
  } else if (label.starts_with("PUBLIC KEY-----") || label.starts_with("RSA PUBLIC KEY-----")) {
    key = read_public_key(bio.get());
  } else {
    fault = "a PEM text must be a PUBLIC KEY, an RSA PUBLIC KEY or a CERTIFICATE";
  }
  ERR_pop_to_mark();
  if (key == nullptr) return fail({.detail = fault});
  auto made = PublicKey::make(std::move(key), algorithm);
  if (!made) return fail(made.error());
  return Key(*std::move(made), algorithm);
}

bool Key::verify(Algorithm algorithm, std::string_view signing_input, std::string_view signature) const noexcept {
  if (!algorithms_.contains(algorithm)) return false;
  return hmac_ != nullptr ? hmac_->verify(signing_input, signature)
                          : public_key_->verify(algorithm, signing_input, signature);
}

}  // namespace gatehouse::jose
