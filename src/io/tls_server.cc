#include "io/tls_server.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "io/ocsp_response.h"
#include "io/ticket_keys.h"
#include "io/tls_files.h"

namespace gatehouse::io {
namespace {

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return made;
}

/// The oldest of OpenSSL's errors, which is the nearest to the cause; errno's where a file could not be opened.
std::string last_error(const char* wanted) {
  const int number = errno;
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "cannot be used";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  if (reason == nullptr) return number != 0 ? std::strerror(number) : "cannot be used";
  const bool no_block = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  const bool no_key = ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
  return no_block || no_key ? std::string("holds no ") + wanted : reason;
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned count,
                void* spoken) {
  const auto& list = *static_cast<const std::string*>(spoken);
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(list.data()),
                                          static_cast<unsigned>(list.size()), offered, count);
  *out = chosen;
  // RFC 7301 section 3.2: no protocol in common is a fatal alert.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

/// How a TlsServer is made: one context for each certificate.
struct TlsServerParts {
  TlsServer& server;
  const TlsServerSettings& settings;
  std::vector<TlsFault>& faults;

  void fault(TlsFault::Where where, std::size_t certificate, std::string message, bool warning = false) {
    faults.push_back({where, certificate, warning, std::move(message)});
  }

  static int select_name(SSL* ssl, int*, void* server) {
    const auto& self = *static_cast<const TlsServer*>(server);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const std::size_t index = self.choose(name);
    if (index != 0) SSL_set_SSL_CTX(ssl, self.contexts_[index]);
    return SSL_TLSEXT_ERR_OK;
  }

  void add(std::size_t index) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    server.contexts_.push_back(context);
    apply_rules(context, settings.rules);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets alone: no memory a client
    SSL_CTX_set_alpn_select_cb(context, select_alpn, &server.alpn_);
    SSL_CTX_set_tlsext_servername_callback(context, select_name);
    SSL_CTX_set_tlsext_servername_arg(context, &server);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(settings.session_context.data()),
                                   static_cast<unsigned>(settings.session_context.size()));
    if (settings.tickets) {
      TicketKeys::use_for(context);
      SSL_CTX_set_session_ticket_cb(context, nullptr, look_at_ticket, nullptr);
    } else {
      SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
      SSL_CTX_set_num_tickets(context, 0);
    }
    load_certificate(context, index);
    load_client_ca(context, index);
  }

  /// A session that a client resumes proves who it is by the certificate of before: what would not be believed now,
  /// since its time is over or it was revoked, is not believed by a ticket either.
  static SSL_TICKET_RETURN look_at_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                          SSL_TICKET_STATUS status, void*) {
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    const int mode = SSL_get_verify_mode(ssl);
    X509* const peer = SSL_SESSION_get0_peer(session);
    const bool optional = (mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) == 0;
    const bool good = (mode & SSL_VERIFY_PEER) == 0 || (peer == nullptr ? optional : still_believed(ssl, peer));
    if (!good) return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
  }

  static bool still_believed(SSL* ssl, X509* peer) {
    X509_STORE_CTX* const check = X509_STORE_CTX_new();
    bool good = check != nullptr &&
                X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), peer, nullptr) == 1;
    if (good) {
      X509_STORE_CTX_set_default(check, "ssl_client");
      X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_get0_param(ssl));
      good = X509_verify_cert(check) == 1;
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return good;
  }

  void load_certificate(SSL_CTX* context, std::size_t index) {
    const TlsServerSettings::Certificate& files = settings.certificates[index];
    std::vector<TlsFileFault> found;
    load_credentials(context, files.cert, files.key, found);
    for (TlsFileFault& each : found) {
      const bool cert = each.file == TlsFileFault::File::cert;
      fault(cert ? TlsFault::Where::cert : TlsFault::Where::key, index, std::move(each.message), each.warning);
    }
    X509* const certificate = SSL_CTX_get0_certificate(context);
    server.expiries_.push_back({files.cert, certificate != nullptr ? not_after_of(certificate) : 0});
    load_staple(context, index, certificate);
    if (certificate != nullptr) learn_names(certificate, index);
  }

  /// The response is for this certificate, and its time is not over: else clients would be shown something useless.
  void load_staple(SSL_CTX* context, std::size_t index, const X509* certificate) {
    server.staples_.push_back(std::make_unique<TlsServer::Staple>());
    const std::string& file = settings.certificates[index].ocsp;
    if (file.empty() || certificate == nullptr) return;
    std::string error;
    const std::optional<OcspResponse> response = read_ocsp_response(file, certificate, error);
    if (!response) return fault(TlsFault::Where::ocsp, index, std::move(error));
    if (response->good_until_s <= wall_clock_us() / 1'000'000) {
      return fault(TlsFault::Where::ocsp, index, "is out of date and is not shown to clients", true);
    }
    TlsServer::Staple& staple = *server.staples_.back();
    staple = {response->der, response->good_until_s};
    SSL_CTX_set_tlsext_status_cb(context, show_staple);
    SSL_CTX_set_tlsext_status_arg(context, &staple);
  }

  static int show_staple(SSL* ssl, void* held) {
    const auto& staple = *static_cast<const TlsServer::Staple*>(held);
    if (staple.good_until_s <= wall_clock_us() / 1'000'000) return SSL_TLSEXT_ERR_NOACK;
    void* const copy = OPENSSL_memdup(staple.response.data(), staple.response.size());
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.response.size()));  // takes it over
    return SSL_TLSEXT_ERR_OK;
  }

  /// The DNS names inside; the subject's common name where there is none.
  void learn_names(X509* certificate, std::size_t index) {
    bool any = false;
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
      if (name->type != GEN_DNS) continue;
      any = true;
      learn(name->d.dNSName, index);
    }
    GENERAL_NAMES_free(names);
    if (any) return;
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(subject), NID_commonName, -1);
    if (at >= 0) learn(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), index);
  }

  void learn(const ASN1_STRING* text, std::size_t index) {
    const std::string name = lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<std::size_t>(ASN1_STRING_length(text))});
    if (name.starts_with("*.")) {
      server.wildcards_.try_emplace(name.substr(2), index);
    } else {
      server.names_.try_emplace(name, index);
    }
  }

  void load_client_ca(SSL_CTX* context, std::size_t index) {
    using ClientAuth = TlsServerSettings::ClientAuth;
    if (settings.client_auth == ClientAuth::none) return;
    ERR_clear_error();
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(settings.client_ca.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(context, settings.client_ca.c_str()) != 1) {
      if (index == 0) fault(TlsFault::Where::client_ca, index, last_error("certificate"));
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return;
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify_depth(context, settings.client_depth);
    if (!settings.client_crl.empty()) load_crl(context, index);
    const bool required = settings.client_auth == ClientAuth::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  }

  /// With lists, what is on none of them, or whose authority has none that is in force, is refused.
  void load_crl(SSL_CTX* context, std::size_t index) {
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    ERR_clear_error();
    if (lookup == nullptr || X509_load_crl_file(lookup, settings.client_crl.c_str(), X509_FILETYPE_PEM) <= 0) {
      if (index == 0) fault(TlsFault::Where::client_crl, index, last_error("list of revoked certificates"));
      return;
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    const STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
    for (int i = 0; index == 0 && i < sk_X509_OBJECT_num(objects); ++i) {
      const X509_CRL* const list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
      const ASN1_TIME* const next = list != nullptr ? X509_CRL_get0_nextUpdate(list) : nullptr;
      if (next == nullptr || X509_cmp_current_time(next) >= 0) continue;
      fault(TlsFault::Where::client_crl, index, "holds a list whose time is over: its authority's clients are refused",
            true);
    }
  }
};

std::shared_ptr<const TlsServer> TlsServer::make(const TlsServerSettings& settings, std::vector<TlsFault>& faults) {
  const std::shared_ptr<TlsServer> server(new TlsServer());
  std::vector<TlsFault> found;
  server->session_context_ = settings.session_context;
  server->requires_certificates_ = settings.client_auth == TlsServerSettings::ClientAuth::required;
  for (const std::string& name : settings.alpn) server->alpn_ += static_cast<char>(name.size()) + name;
  TlsServerParts parts{*server, settings, found};
  for (std::size_t i = 0; i < settings.certificates.size(); ++i) parts.add(i);
  const bool good =
      !server->contexts_.empty() && std::ranges::all_of(found, [](const TlsFault& fault) { return fault.warning; });
  faults.insert(faults.end(), found.begin(), found.end());
  return good ? server : nullptr;
}

TlsServer::~TlsServer() {
  for (SSL_CTX* context : contexts_) SSL_CTX_free(context);
}

ssl_st* TlsServer::new_session() const {
  SSL* ssl = SSL_new(contexts_.front());
  if (ssl != nullptr) SSL_set_accept_state(ssl);
  return ssl;
}

std::size_t TlsServer::choose(std::string_view host) const {
  const std::string name = lower(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
  if (const auto exact = names_.find(name); exact != names_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    // RFC 6125 section 6.4.3: a wildcard is one label.
    const auto wildcard = wildcards_.find(std::string_view(name).substr(dot + 1));
    if (wildcard != wildcards_.end()) return wildcard->second;
  }
  return 0;
}

}  // namespace gatehouse::io
