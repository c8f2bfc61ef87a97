#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/tls_files.h"
#include "io/tls_rules.h"

struct ssl_session_st;
struct ssl_st;

namespace gatehouse::io {

struct TlsClientSettings {
  bool verify = true;     ///< else anybody is believed to be the service
  std::string ca;         ///< PEM file: who signs services' certificates; "" for the system's authorities
  std::string cert, key;  ///< PEM files: what the gateway shows of itself; "" for nothing
  bool http2 = false;     ///< what is offered by ALPN: this, or HTTP/1.1
  TlsRules rules = {};    ///< without faults
};

/// The last session with one peer, which the next connection resumes (RFC 8446 section 2.2). It holds one, so a peer
/// that sends many tickets takes no more memory than one that sends one. Owner: a pool; its thread.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() { forget(); }

  /// Takes over `session`.
  void keep(ssl_session_st* session);
  void forget() { keep(nullptr); }
  ssl_session_st* get() const { return session_; }

 private:
  ssl_session_st* session_ = nullptr;
};

/// How the gateway speaks TLS to a service: whom it trusts and what it shows of itself. Immutable; shared by all
/// workers.
class TlsClient {
 public:
  /// Reads the files. Null if one cannot be used; every fault is added to `faults`.
  static std::shared_ptr<const TlsClient> make(const TlsClientSettings& settings, std::vector<TlsFileFault>& faults);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// A new connection's side. `host` is a DNS name, which is asked for (SNI) and verified, or the text of an IP
  /// address, which is verified. It resumes what `session` holds and leaves there what the peer gives; `session`
  /// outlives it. Null: no memory, or a peer without a name that is to be verified.
  ssl_st* new_session(const std::string& host, TlsSession& session) const;

  /// What OpenSSL's error `code` means on `ssl`: a literal, without anything secret.
  static const char* words(const ssl_st* ssl, unsigned long code);

 private:
  TlsClient() = default;

  ssl_ctx_st* context_ = nullptr;
  bool verify_ = true;
};

/// With whom a connection speaks TLS. Without a client it is plain.
struct TlsPeer {
  std::shared_ptr<const TlsClient> client = {};
  std::string host = {};  ///< as TlsClient::new_session wants it
};

}  // namespace gatehouse::io
