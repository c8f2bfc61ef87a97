#pragma once
#include <cstdint>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct x509_st;

namespace gatehouse::io {

/// What is wrong with one of the PEM files that TLS needs.
struct TlsFileFault {
  enum class File : std::uint8_t { ca, cert, key };
  File file = File::cert;
  bool warning = false;  ///< it can be used all the same
  std::string message;
};

/// Gives `context` a certificate with its chain, and the key that fits it. Every fault is added.
void load_credentials(ssl_ctx_st* context, const std::string& cert, const std::string& key,
                      std::vector<TlsFileFault>& faults);

/// "ends in 9 days" from 14 days before, "has expired" after it; "" while there is time. Both in Unix time.
std::string expiry_words(std::int64_t not_after_s, std::int64_t now_s);
std::int64_t not_after_of(const x509_st* certificate);

/// Lets `context` trust what `ca` holds, which may be an authority below the top or a single certificate.
void load_authorities(ssl_ctx_st* context, const std::string& ca, std::vector<TlsFileFault>& faults);

/// Lets `context` trust the authorities that the system has installed.
void load_system_authorities(ssl_ctx_st* context, std::vector<TlsFileFault>& faults);

/// Another number once the system's authorities have been changed.
std::uint64_t system_authorities_version();

}  // namespace gatehouse::io
