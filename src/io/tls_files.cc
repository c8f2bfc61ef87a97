#include "io/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/clock.h"

namespace gatehouse::io {
namespace {

using File = TlsFileFault::File;

/// The oldest of OpenSSL's errors, which is the nearest to the cause; errno's where a file could not be opened.
std::string last_error(const char* wanted) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "cannot be used";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const int library = ERR_GET_LIB(code), reason = ERR_GET_REASON(code);
  const bool nothing = (library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) ||
                       (library == ERR_LIB_X509 && reason == X509_R_NO_CERTIFICATE_OR_CRL_FOUND) ||
                       (library == ERR_LIB_OSSL_DECODER && reason == ERR_R_UNSUPPORTED);
  if (nothing) return std::string("holds no ") + wanted;
  const char* const text = ERR_reason_error_string(code);
  return text != nullptr ? text : "cannot be used";
}

bool has_expired(const X509* certificate) {
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}

/// The place that a variable names, else the one that OpenSSL was built for.
std::string place(const char* variable, const char* otherwise) {
  const char* const set = std::getenv(variable);
  return set != nullptr ? set : otherwise;
}

/// When `path` changed last, in nanoseconds; 0 if it is not there.
std::uint64_t changed_at(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
}

std::string system_file() {
  return place(X509_get_default_cert_file_env(), X509_get_default_cert_file());
}
std::string system_folder() {
  return place(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
}

}  // namespace

void load_credentials(SSL_CTX* context, const std::string& cert, const std::string& key,
                      std::vector<TlsFileFault>& faults) {
  ERR_clear_error();
  const bool has_cert = SSL_CTX_use_certificate_chain_file(context, cert.c_str()) == 1;
  if (!has_cert) faults.push_back({File::cert, false, last_error("certificate")});
  ERR_clear_error();
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    // With a certificate of the same kind in place, a key that does not fit is refused at once.
    const bool other = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_X509;
    faults.push_back({File::key, false, other ? "does not fit the certificate" : last_error("private key")});
  } else if (has_cert && SSL_CTX_check_private_key(context) != 1) {
    faults.push_back({File::key, false, "does not fit the certificate"});
  }
  ERR_clear_error();
  const X509* const certificate = has_cert ? SSL_CTX_get0_certificate(context) : nullptr;
  if (certificate == nullptr) return;
  std::string words = expiry_words(not_after_of(certificate), wall_clock_us() / 1'000'000);
  if (!words.empty()) {
    faults.push_back({File::cert, true, std::move(words)});
  } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    faults.push_back({File::cert, true, "is not valid yet"});
  }
}

std::int64_t not_after_of(const X509* certificate) {
  std::tm parts{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts);
  return ::timegm(&parts);
}

std::string expiry_words(std::int64_t not_after_s, std::int64_t now_s) {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  const std::int64_t left = not_after_s - now_s;
  if (left <= 0) return "has expired";
  if (left < kDay) return "ends within a day";
  return left <= 14 * kDay ? "ends in " + std::to_string(left / kDay) + " days" : "";
}

void load_authorities(SSL_CTX* context, const std::string& ca, std::vector<TlsFileFault>& faults) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, ca.c_str()) != 1) {
    faults.push_back({File::ca, false, last_error("certificate")});
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  // Of a bundle some may have had their time; it is of no use once all have.
  const STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
  bool any = false, all_expired = true;
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509* const certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (certificate == nullptr) continue;
    any = true;
    all_expired = all_expired && has_expired(certificate);
  }
  if (!any) {
    faults.push_back({File::ca, false, "holds no certificate"});
  } else if (all_expired) {
    faults.push_back({File::ca, true, "has expired"});
  }
}

void load_system_authorities(SSL_CTX* context, std::vector<TlsFileFault>& faults) {
  ERR_clear_error();
  SSL_CTX_set_default_verify_paths(context);
  ERR_clear_error();
  if (changed_at(system_file()) != 0 || changed_at(system_folder()) != 0) return;
  faults.push_back({File::ca, true,
                    "the system has no certificate authorities in " + system_file() + " or " + system_folder() +
                        ": no certificate of the service can be verified"});
}

std::uint64_t system_authorities_version() {
  return changed_at(system_file()) * 31 + changed_at(system_folder());
}

}  // namespace gatehouse::io
