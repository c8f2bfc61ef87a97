#include "cli/demo_certificates.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/clock.h"

namespace gatehouse::cli {
namespace {

template <class T, void (*free)(T*)>
struct Free {
  void operator()(T* owned) const { free(owned); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509, X509_free>>;

constexpr long kDay = 24 * 60 * 60;
constexpr long kLife = 365 * kDay;

struct Wanted {
  const char* name;
  const char* subject;
  const char* names;  ///< subjectAltName
  const char* usage;  ///< extendedKeyUsage
};
constexpr Wanted kWanted[] = {
    {"shop", "shop.example.com", "DNS:localhost,DNS:*.example.com,IP:127.0.0.1,IP:::1", "serverAuth"},
    {"ada", "ada", "DNS:ada.example.com,URI:spiffe://shop/ada,email:ada@example.com", "clientAuth"},
};

void extend(X509* to, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate certificate(EVP_PKEY* key, const char* subject) {
  Certificate made(X509_new());
  X509_set_version(made.get(), 2);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kLife);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject), -1, -1, 0);
  return made;
}

/// Writes through `print`, readable by the owner alone where `secret`; "" or what went wrong.
template <class Print>
std::string write(const std::string& path, bool secret, Print print) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, secret ? 0600 : 0644);
  std::FILE* const file = fd >= 0 ? ::fdopen(fd, "w") : nullptr;
  if (file == nullptr) return fmt::format("cannot write {}: {}", path, std::strerror(errno));
  const bool printed = print(file) == 1;
  const bool closed = std::fclose(file) == 0;
  return printed && closed ? "" : fmt::format("cannot write {}", path);
}

std::string write_pair(const std::string& path, EVP_PKEY* key, X509* made) {
  std::string fault = write(path + ".key", true, [&](std::FILE* to) {
    return PEM_write_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (fault.empty()) fault = write(path + ".pem", false, [&](std::FILE* to) { return PEM_write_X509(to, made); });
  return fault;
}

bool is_good(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return false;
  const Certificate found(PEM_read_X509(file, nullptr, nullptr, nullptr));
  std::fclose(file);
  std::time_t soon = wall_clock_us() / 1'000'000 + kDay;
  return found != nullptr && X509_cmp_time(X509_get0_notAfter(found.get()), &soon) > 0;
}

}  // namespace

std::string make_demo_certificates(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fmt::format("cannot make the folder {}: {}", directory, error.message());
  bool good = is_good(directory + "/ca.pem");
  for (const Wanted& wanted : kWanted) good = good && is_good(directory + "/" + wanted.name + ".pem");
  if (good) return "";

  const Key authority_key(EVP_EC_gen("P-256"));
  const Certificate authority = certificate(authority_key.get(), "Gatehouse demo authority");
  X509_set_issuer_name(authority.get(), X509_get_subject_name(authority.get()));
  extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(authority.get(), authority.get(), NID_subject_key_identifier, "hash");
  X509_sign(authority.get(), authority_key.get(), EVP_sha256());
  std::string fault = write_pair(directory + "/ca", authority_key.get(), authority.get());
  for (const Wanted& wanted : kWanted) {
    if (!fault.empty()) return fault;
    const Key key(EVP_EC_gen("P-256"));
    const Certificate made = certificate(key.get(), wanted.subject);
    X509_set_issuer_name(made.get(), X509_get_subject_name(authority.get()));
    extend(made.get(), authority.get(), NID_basic_constraints, "critical,CA:FALSE");
    extend(made.get(), authority.get(), NID_key_usage, "critical,digitalSignature");
    extend(made.get(), authority.get(), NID_ext_key_usage, wanted.usage);
    extend(made.get(), authority.get(), NID_subject_alt_name, wanted.names);
    extend(made.get(), authority.get(), NID_authority_key_identifier, "keyid");
    X509_sign(made.get(), authority_key.get(), EVP_sha256());
    fault = write_pair(directory + "/" + wanted.name, key.get(), made.get());
  }
  return fault;
}

}  // namespace gatehouse::cli
