#pragma once
#include <cstdint>
#include <optional>
#include <string>

struct x509_st;

namespace gatehouse::io {

/// What an OCSP responder (RFC 6960) said of a certificate.
struct OcspResponse {
  std::string der;                ///< the whole response, as clients are shown it (RFC 6066 section 8)
  std::int64_t good_until_s = 0;  ///< its nextUpdate as Unix time
};

/// Reads `file`. Nothing, and why in `error`, if it is no successful response about `certificate`, or does not say
/// until when it is good. Its signature is for clients to verify.
std::optional<OcspResponse> read_ocsp_response(const std::string& file, const x509_st* certificate, std::string& error);

}  // namespace gatehouse::io
