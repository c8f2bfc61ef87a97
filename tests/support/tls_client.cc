#include "support/tls_client.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

namespace gatehouse::test {

struct TlsClient::Tls {
  ~Tls() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = nullptr;
  Fd network, inner;
  std::atomic<bool> stop{false}, orderly{false};
  std::shared_ptr<SSL_SESSION> session;
};

namespace {

std::string error_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "the connection ended";
}

}  // namespace

TlsClient::TlsClient(std::uint16_t port, const TlsOptions& options) : tls_(std::make_unique<Tls>()) {
  Tls& tls = *tls_;
  tls.network = connect_tcp(port);
  int pair[2];
  if (!tls.network || ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
    failure_ = "nobody listens";
    return;
  }
  tls.inner = Fd(pair[0]);
  raw_ = std::make_unique<RawClient>(Fd(pair[1]));
  if (!options.before.empty()) write_all(tls.network.get(), options.before, Deadline());
  SSL_CTX_set_min_proto_version(tls.context, options.version != 0 ? options.version : TLS1_VERSION);
  if (options.version != 0) SSL_CTX_set_max_proto_version(tls.context, options.version);
  SSL_CTX_set_security_level(tls.context, 0);  // to be able to ask for what is out of date
  if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(tls.context, options.ciphers.c_str());
  if (!options.suites.empty()) SSL_CTX_set_ciphersuites(tls.context, options.suites.c_str());
  if (!options.curves.empty()) SSL_CTX_set1_groups_list(tls.context, options.curves.c_str());
  if (!options.ca.empty()) {
    SSL_CTX_load_verify_file(tls.context, options.ca.c_str());
    SSL_CTX_set_verify(tls.context, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(tls.context, options.cert.c_str());
    SSL_CTX_use_PrivateKey_file(tls.context, options.key.c_str(), SSL_FILETYPE_PEM);
  }
  SSL_CTX_set_session_cache_mode(tls.context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(tls.context, &tls);
  SSL_CTX_sess_set_new_cb(tls.context, [](SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<Tls*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    self->session = std::shared_ptr<SSL_SESSION>(session, SSL_SESSION_free);
    return 1;
  });
  tls.ssl = SSL_new(tls.context);
  SSL_set_fd(tls.ssl, tls.network.get());
  if (!options.host.empty()) {
    SSL_set_tlsext_host_name(tls.ssl, options.host.c_str());
    SSL_set1_host(tls.ssl, options.host.c_str());
  }
  if (!options.alpn.empty()) {
    const std::string list = static_cast<char>(options.alpn.size()) + options.alpn;
    SSL_set_alpn_protos(tls.ssl, reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (options.ocsp) SSL_set_tlsext_status_type(tls.ssl, TLSEXT_STATUSTYPE_ocsp);
  if (options.session) SSL_set_session(tls.ssl, options.session.get());
  ERR_clear_error();
  if (SSL_connect(tls.ssl) != 1) {
    failure_ = error_text();
    tls.inner.close();
    return;
  }
  protocol_ = SSL_get_version(tls.ssl);
  cipher_ = SSL_get_cipher_name(tls.ssl);
  if (X509* certificate = SSL_get0_peer_certificate(tls.ssl)) {
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    subject_ = name;
  }
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(tls.ssl, &chosen, &size);
  alpn_.assign(reinterpret_cast<const char*>(chosen), size);
  resumed_ = SSL_session_reused(tls.ssl) == 1;
  const unsigned char* staple = nullptr;
  if (const long bytes = SSL_get_tlsext_status_ocsp_resp(tls.ssl, &staple); bytes > 0) {
    staple_.assign(reinterpret_cast<const char*>(staple), static_cast<std::size_t>(bytes));
  }
  if (options.renegotiate && (SSL_renegotiate(tls.ssl) != 1 || SSL_do_handshake(tls.ssl) != 1)) {
    failure_ = error_text();
    return;
  }
  ::fcntl(tls.network.get(), F_SETFL, O_NONBLOCK);
  SSL_set_mode(tls.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  thread_ = std::thread([this] { run(); });
}

TlsClient::~TlsClient() {
  tls_->stop = true;
  if (thread_.joinable()) thread_.join();
}

bool TlsClient::ended_orderly() const {
  return tls_->orderly;
}

std::shared_ptr<ssl_session_st> TlsClient::session() {
  tls_->stop = true;
  if (thread_.joinable()) thread_.join();
  if (tls_->session) return tls_->session;
  return {SSL_get1_session(tls_->ssl), SSL_SESSION_free};
}

/// Until both directions have ended or the client is gone.
void TlsClient::run() {
  Tls& tls = *tls_;
  std::string out;
  char buffer[16 * 1024];
  bool outgoing = true, incoming = true;
  while (!tls.stop && (incoming || outgoing || !out.empty())) {
    pollfd asked[2] = {
        {tls.network.get(), static_cast<short>((incoming ? POLLIN : 0) | (out.empty() ? 0 : POLLOUT)), 0},
        {outgoing && out.empty() ? tls.inner.get() : -1, POLLIN, 0}};
    if (SSL_has_pending(tls.ssl) == 0) ::poll(asked, 2, 20);
    if (outgoing && out.empty() && (asked[1].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t got = ::read(tls.inner.get(), buffer, sizeof buffer);
      if (got > 0) out.assign(buffer, static_cast<std::size_t>(got));
      if (got <= 0) {
        outgoing = false;
        SSL_shutdown(tls.ssl);
      }
    }
    if (!out.empty()) {
      std::size_t sent = 0;
      if (SSL_write_ex(tls.ssl, out.data(), out.size(), &sent) == 1) {
        out.erase(0, sent);
      } else if (const int error = SSL_get_error(tls.ssl, 0);
                 error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        out.clear();
        outgoing = false;
      }
    }
    while (incoming) {
      std::size_t got = 0;
      if (SSL_read_ex(tls.ssl, buffer, sizeof buffer, &got) == 1) {
        if (!write_all(tls.inner.get(), {buffer, got}, Deadline())) incoming = false;
        continue;
      }
      const int error = SSL_get_error(tls.ssl, 0);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
      incoming = false;
      tls.orderly = error == SSL_ERROR_ZERO_RETURN;
      ::shutdown(tls.inner.get(), SHUT_WR);
    }
  }
}

}  // namespace gatehouse::test
