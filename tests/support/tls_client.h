#pragma once
#include <memory>
#include <string>
#include <thread>

#include "support/raw_client.h"

struct ssl_session_st;

namespace gatehouse::test {

struct TlsOptions {
  std::string ca = {};    ///< PEM file: whom to trust; "" trusts anyone
  std::string host = {};  ///< sent as SNI and verified, "" for neither
  std::string alpn = {};  ///< one protocol; "" for none
  std::string cert = {};  ///< what the client shows: PEM files
  std::string key = {};
  int version = 0;                               ///< TLS1_2_VERSION …: this one only; 0: what OpenSSL offers
  std::string ciphers = {};                      ///< of TLS 1.2, as OpenSSL writes lists; "" for its own
  std::string suites = {};                       ///< the same of TLS 1.3
  std::string curves = {};                       ///< the same of curves
  std::string before = {};                       ///< sent before TLS begins
  bool ocsp = false;                             ///< asks for a stapled response
  bool renegotiate = false;                      ///< asks for a second handshake (TLS 1.2)
  std::shared_ptr<ssl_session_st> session = {};  ///< to resume
};

/// A TLS connection as a RawClient: a thread carries the bytes between OpenSSL and a socket pair.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const TlsOptions& options = {});
  ~TlsClient();

  /// Whether the handshake came to its end. With TLS 1.3 a server may refuse the client's certificate after that.
  bool shaken() const { return failure_.empty(); }
  const std::string& failure() const { return failure_; }
  RawClient& raw() { return *raw_; }
  RawClient* operator->() { return raw_.get(); }

  const std::string& protocol() const { return protocol_; }    ///< "TLSv1.3"
  const std::string& cipher() const { return cipher_; }        ///< OpenSSL's name
  const std::string& certificate() const { return subject_; }  ///< the common name that the server showed
  const std::string& alpn() const { return alpn_; }
  bool resumed() const { return resumed_; }
  /// The stapled OCSP response, DER; "" if there was none.
  const std::string& staple() const { return staple_; }
  /// The peer ended the connection with a close_notify: what came is the whole. To be asked after the end.
  bool ended_orderly() const;
  /// The session to resume; ends the connection.
  std::shared_ptr<ssl_session_st> session();

 private:
  struct Tls;
  void run();

  std::unique_ptr<Tls> tls_;
  std::unique_ptr<RawClient> raw_;
  std::string failure_, protocol_, cipher_, subject_, alpn_, staple_;
  bool resumed_ = false;
  std::thread thread_;
};

}  // namespace gatehouse::test
