#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/tls_rules.h"

struct ssl_ctx_st;
struct ssl_st;

namespace gatehouse::io {

struct TlsServerSettings {
  /// PEM files: the certificate with the chain behind it, and its private key.
  struct Certificate {
    std::string cert, key;
    std::string ocsp;  ///< DER file: what an OCSP responder said of it, to be shown to clients; "" for nothing
  };
  enum class ClientAuth : std::uint8_t { none, optional, required };

  std::vector<Certificate>
      certificates;  ///< at least one; the first is for clients that name no host or an unknown one
  TlsRules rules;    ///< without faults
  ClientAuth client_auth = ClientAuth::none;
  std::string client_ca;          ///< PEM file: who signs clients' certificates
  std::string client_crl;         ///< PEM file: what of theirs is revoked, a list of each authority; "" looks for none
  int client_depth = 4;           ///< authorities between a client's certificate and one of the CA file's
  std::vector<std::string> alpn;  ///< protocols that are spoken, the dearest first
  bool tickets = true;            ///< sessions are resumed by tickets
  /// Sessions are resumed only where this is the same: what a client had to prove must not be another.
  std::string session_context;
};

/// What is wrong with one of the files.
struct TlsFault {
  enum class Where : std::uint8_t { cert, key, ocsp, client_ca, client_crl };
  Where where = Where::cert;
  std::size_t certificate = 0;  ///< index
  bool warning = false;         ///< it can be used all the same
  std::string message;
};

/// How a listener speaks TLS: certificates chosen by the name that the client asks for (SNI, RFC 6066 section 3), the
/// protocol by ALPN (RFC 7301). Immutable; shared by all workers.
class TlsServer {
 public:
  /// Reads the files. Null if one cannot be used; every fault is added to `faults`.
  static std::shared_ptr<const TlsServer> make(const TlsServerSettings& settings, std::vector<TlsFault>& faults);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  struct Expiry {
    std::string file;              ///< as it was given
    std::int64_t not_after_s = 0;  ///< Unix time
  };
  const std::vector<Expiry>& expiries() const { return expiries_; }

  /// What clients have to prove: TlsServerSettings::session_context.
  const std::string& session_context() const { return session_context_; }
  bool requires_certificates() const { return requires_certificates_; }
  /// A new connection's side; null if there is no memory.
  ssl_st* new_session() const;
  /// The index of the certificate for `host`, which may be "". Case does not matter.
  std::size_t choose(std::string_view host) const;

 private:
  TlsServer() = default;

  std::vector<ssl_ctx_st*> contexts_;  ///< by certificate
  struct Staple {
    std::string response;           ///< DER; "" for none
    std::int64_t good_until_s = 0;  ///< Unix time
  };
  std::vector<std::unique_ptr<Staple>> staples_;  ///< the same
  std::string session_context_;
  bool requires_certificates_ = false;
  std::vector<Expiry> expiries_;                               ///< the same
  std::string alpn_;                                           ///< as RFC 7301 writes the list
  std::map<std::string, std::size_t, std::less<>> names_;      ///< in lower case
  std::map<std::string, std::size_t, std::less<>> wildcards_;  ///< what stands behind "*."
  friend struct TlsServerParts;
};

}  // namespace gatehouse::io
