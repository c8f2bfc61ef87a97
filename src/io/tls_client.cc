#include "io/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/ip_address.h"

namespace gatehouse::io {
namespace {

constexpr unsigned char kHttp1[] = "\x08http/1.1";
constexpr unsigned char kHttp2[] = "\x02h2";

int keep_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsSession*>(SSL_get_app_data(ssl))->keep(session);
  return 1;  // taken over
}

/// Why a service's certificate is not believed.
const char* verification_words(long result) {
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "its certificate is signed by an unknown issuer";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "its certificate is signed by an unknown issuer, itself";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate, or one above it, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "its certificate, or one above it, is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "its certificate is for another name";
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "its certificate is not for its IP address";
    default:
      return X509_verify_cert_error_string(result);
  }
}

}  // namespace

void TlsSession::keep(SSL_SESSION* session) {
  SSL_SESSION_free(std::exchange(session_, session));
}

std::shared_ptr<const TlsClient> TlsClient::make(const TlsClientSettings& settings, std::vector<TlsFileFault>& faults) {
  const std::shared_ptr<TlsClient> client(new TlsClient());
  SSL_CTX* const context = client->context_ = SSL_CTX_new(TLS_client_method());
  client->verify_ = settings.verify;
  apply_rules(context, settings.rules);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  if (settings.http2) {
    SSL_CTX_set_alpn_protos(context, kHttp2, sizeof kHttp2 - 1);
  } else {
    SSL_CTX_set_alpn_protos(context, kHttp1, sizeof kHttp1 - 1);
  }
  std::vector<TlsFileFault> found;
  if (settings.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    if (settings.ca.empty()) {
      load_system_authorities(context, found);
    } else {
      load_authorities(context, settings.ca, found);
    }
  }
  if (!settings.cert.empty()) load_credentials(context, settings.cert, settings.key, found);
  const bool good = std::ranges::all_of(found, [](const TlsFileFault& fault) { return fault.warning; });
  faults.insert(faults.end(), found.begin(), found.end());
  return good ? client : nullptr;
}

TlsClient::~TlsClient() {
  SSL_CTX_free(context_);
}

SSL* TlsClient::new_session(const std::string& host, TlsSession& session) const {
  if (verify_ && host.empty()) return nullptr;
  SSL* const ssl = SSL_new(context_);
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl);
  SSL_set_app_data(ssl, &session);
  X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  bool good = true;
  if (IpAddress::parse(host)) {
    good = X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1;  // RFC 6066 section 3: no address in SNI
  } else if (!host.empty()) {
    good = X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size()) == 1 &&
           SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  }
  if (good && session.get() != nullptr) good = SSL_set_session(ssl, session.get()) == 1;
  if (good) return ssl;
  SSL_free(ssl);
  return nullptr;
}

const char* TlsClient::words(const SSL* ssl, unsigned long code) {
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    switch (ERR_GET_REASON(code)) {
      case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return verification_words(SSL_get_verify_result(ssl));
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
      case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "it does not speak TLS, or none that the gateway speaks";
      default:
        break;
    }
  }
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "TLS failed";
}

}  // namespace gatehouse::io
