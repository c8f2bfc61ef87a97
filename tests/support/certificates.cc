#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace gatehouse::test {
namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "certificates: %s failed\n", what);
  std::abort();
}

EVP_PKEY* make_key(TestCa::Key kind) {
  EVP_PKEY* key = kind == TestCa::Key::rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  must(key != nullptr, "making a key");
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "an extension");
  X509_EXTENSION_free(extension);
}

X509* make_certificate(std::string_view subject, EVP_PKEY* key, long from_s, long to_s) {
  static std::atomic<long> serial{1};
  X509* made = X509_new();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made), from_s);
  X509_gmtime_adj(X509_getm_notAfter(made), to_s);
  X509_set_pubkey(made, key);
  const std::string name(subject);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return made;
}

/// Writes through `print` and renames, so that a reader sees the old file or the new one.
template <class Print>
void write_file(const std::string& path, Print print) {
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "w");
  must(file != nullptr && print(file) == 1 && std::fclose(file) == 0, "writing a file");
  must(std::rename(fresh.c_str(), path.c_str()) == 0, "renaming a file");
}

}  // namespace

TestCa::TestCa(std::string directory, std::string_view name)
    : directory_(std::move(directory)),
      file_(directory_ + "/" + std::string(name) + ".pem"),
      key_(make_key(Key::ecdsa)) {
  certificate_ = make_certificate("Test CA " + std::string(name), key_, -86'400, 3650 * 86'400L);
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  extend(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(certificate_, key_, EVP_sha256()) != 0, "signing");
  write_file(file_, [&](std::FILE* to) { return PEM_write_X509(to, certificate_); });
}

TestCa::~TestCa() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

void TestCa::issue(std::string_view name, const std::vector<std::string>& hosts, Key kind, int days) const {
  write(name, hosts, kind, std::min(days - 1, -1) * 86'400L, days * 86'400L);
}

void TestCa::issue_briefly(std::string_view name, std::chrono::seconds lasts) const {
  write(name, {}, Key::ecdsa, -3600, static_cast<long>(lasts.count()));
}

void TestCa::write(std::string_view name, const std::vector<std::string>& hosts, Key kind, long from_s,
                   long to_s) const {
  EVP_PKEY* key = make_key(kind);
  X509* made = make_certificate(name, key, from_s, to_s);
  X509_set_issuer_name(made, X509_get_subject_name(certificate_));
  std::string names;
  for (const std::string& host : hosts) {
    const bool address = host.find_first_not_of("0123456789.") == std::string::npos;
    names += (names.empty() ? "" : ",") + std::string(address ? "IP:" : "DNS:") + host;
  }
  if (!names.empty()) extend(made, certificate_, NID_subject_alt_name, names);
  must(X509_sign(made, key_, EVP_sha256()) != 0, "signing");
  const std::string path = directory_ + "/" + std::string(name);
  write_file(path + ".key",
             [&](std::FILE* to) { return PEM_write_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr); });
  write_file(path + ".pem", [&](std::FILE* to) { return PEM_write_X509(to, made); });
  X509_free(made);
  EVP_PKEY_free(key);
}

X509* TestCa::read(std::string_view name) const {
  std::FILE* const file = std::fopen((directory_ + "/" + std::string(name) + ".pem").c_str(), "r");
  must(file != nullptr, "opening a certificate");
  X509* const certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  return certificate;
}

void TestCa::attest(std::string_view name, std::string_view certificate, int days) const {
  X509* const about = read(certificate);
  OCSP_BASICRESP* const basic = OCSP_BASICRESP_new();
  ASN1_TIME* const now = X509_gmtime_adj(nullptr, std::min(days - 1, -1) * 86'400L);
  ASN1_TIME* const next = X509_gmtime_adj(nullptr, days * 86'400L);
  OCSP_CERTID* const id = OCSP_cert_to_id(EVP_sha1(), about, certificate_);
  OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now, next);
  must(OCSP_basic_sign(basic, certificate_, key_, EVP_sha256(), nullptr, 0) == 1, "signing a response");
  OCSP_RESPONSE* const response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  write_file(directory_ + "/" + std::string(name) + ".der",
             [&](std::FILE* to) { return ASN1_i2d_fp_of(OCSP_RESPONSE, i2d_OCSP_RESPONSE, to, response); });
  OCSP_RESPONSE_free(response);
  OCSP_CERTID_free(id);
  OCSP_BASICRESP_free(basic);
  ASN1_TIME_free(now);
  ASN1_TIME_free(next);
  X509_free(about);
}

void TestCa::revoke(std::string_view name, const std::vector<std::string>& certificates, int days) const {
  X509_CRL* const list = X509_CRL_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_));
  ASN1_TIME* const time = X509_gmtime_adj(nullptr, std::min(days - 1, -1) * 86'400L);
  X509_CRL_set1_lastUpdate(list, time);
  ASN1_TIME* const next = X509_gmtime_adj(nullptr, days * 86'400L);
  X509_CRL_set1_nextUpdate(list, next);
  ASN1_TIME_free(next);
  for (const std::string& each : certificates) {
    X509* const certificate = read(each);
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
    X509_free(certificate);
  }
  ASN1_TIME_free(time);
  must(X509_CRL_sign(list, key_, EVP_sha256()) != 0, "signing a list");
  write_file(directory_ + "/" + std::string(name) + ".pem",
             [&](std::FILE* to) { return PEM_write_X509_CRL(to, list); });
  X509_CRL_free(list);
}

}  // namespace gatehouse::test
