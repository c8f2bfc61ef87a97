#include "io/certificate_facts.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/hex.h"

namespace gatehouse::io {
namespace {

std::string subject_of(const X509* certificate) {
  BIO* const text = BIO_new(BIO_s_mem());
  // Controls and what is not ASCII come out as \XX.
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string subject(bytes, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(text);
  return subject;
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  return hex({digest, size});
}

std::string names_of(const X509* certificate) {
  std::string all;
  auto* const names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    const char* const kind = name->type == GEN_DNS     ? "DNS:"
                             : name->type == GEN_URI   ? "URI:"
                             : name->type == GEN_EMAIL ? "email:"
                                                       : nullptr;
    if (kind == nullptr) continue;
    const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.ia5)),
                                static_cast<std::size_t>(ASN1_STRING_length(name->d.ia5)));
    // A comma would look like the beginning of another name.
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != ','; });
    if (!plain || text.empty()) continue;
    all += (all.empty() ? "" : ",") + std::string(kind) + std::string(text);
  }
  GENERAL_NAMES_free(names);
  return all;
}

}  // namespace

std::unique_ptr<const PeerCertificate> certificate_facts(const X509* certificate) {
  return std::make_unique<const PeerCertificate>(
      PeerCertificate{subject_of(certificate), fingerprint_of(certificate), names_of(certificate)});
}

std::unique_ptr<const PeerCertificate> certificate_facts(std::string_view pem) {
  BIO* const text = BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1 << 20)));
  X509* const certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
  BIO_free(text);
  ERR_clear_error();
  if (certificate == nullptr) return nullptr;
  auto facts = certificate_facts(certificate);
  X509_free(certificate);
  return facts;
}

}  // namespace gatehouse::io
