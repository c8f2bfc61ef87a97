#include "io/tls_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/block_pool.h"
#include "io/certificate_facts.h"

namespace gatehouse::io {

namespace {

constexpr std::size_t kRecord = 16 * 1024;  ///< RFC 8446 section 5.1: the most that a record holds

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

}  // namespace

const BIO_METHOD* TlsConnection::bio_method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "descriptor");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    BIO_meth_set_create(method, bio_create);
    return method;
  }();
  return made;
}

int TlsConnection::bio_read(BIO* bio, char* to, int size) {
  auto& self = *static_cast<TlsConnection*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.early_.empty()) {
    const std::size_t bytes = std::min(self.early_.size(), static_cast<std::size_t>(size));
    std::memcpy(to, self.early_.data(), bytes);
    self.early_.erase(0, bytes);
    return static_cast<int>(bytes);
  }
  const Transfer got = self.socket_.read(to, static_cast<std::size_t>(size));
  switch (got.kind) {
    case Transfer::Kind::done:
      return static_cast<int>(got.bytes);
    case Transfer::Kind::blocked:
      BIO_set_retry_read(bio);
      return -1;
    case Transfer::Kind::end:
      self.ended_ = true;
      return 0;
    case Transfer::Kind::failed:
      self.error_ = got.error;
      return -1;
  }
  return -1;
}

int TlsConnection::bio_write(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsConnection*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.holding_) {
    self.held_.append(from, static_cast<std::size_t>(size));
    return size;
  }
  iovec parts[2] = {{self.held_.data(), self.held_.size()}, {const_cast<char*>(from), static_cast<std::size_t>(size)}};
  const bool both = !self.held_.empty();
  Transfer sent = both ? self.socket_.write(parts, 2) : self.socket_.write(from, static_cast<std::size_t>(size));
  if (both && sent.kind == Transfer::Kind::done) {
    const std::size_t held = std::min(sent.bytes, self.held_.size());
    self.held_.erase(0, held);
    if (self.held_.empty()) std::string().swap(self.held_);
    sent.bytes -= held;
    if (sent.bytes == 0) sent.kind = Transfer::Kind::blocked;
  }
  if (sent.kind == Transfer::Kind::done) return static_cast<int>(sent.bytes);
  if (sent.kind == Transfer::Kind::blocked) {
    BIO_set_retry_write(bio);
  } else {
    self.error_ = sent.error;
  }
  return -1;
}

std::unique_ptr<TlsConnection> TlsConnection::accept(Descriptor& socket, std::shared_ptr<const TlsServer> server,
                                                     std::string_view received) {
  std::unique_ptr<TlsConnection> made(new TlsConnection(socket));
  if (!made->take(server->new_session())) return nullptr;
  made->server_ = std::move(server);
  made->early_ = received;
  return made;
}

std::unique_ptr<TlsConnection> TlsConnection::connect(Descriptor& socket, const TlsPeer& peer, TlsSession& session) {
  std::unique_ptr<TlsConnection> made(new TlsConnection(socket));
  if (!made->take(peer.client->new_session(peer.host, session))) return nullptr;
  return made;
}

bool TlsConnection::take(SSL* ssl) {
  ssl_ = ssl;
  BIO* const bio = ssl != nullptr ? BIO_new(bio_method()) : nullptr;
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  SSL_set_bio(ssl, bio, bio);
  return true;
}

TlsConnection::~TlsConnection() {
  SSL_free(ssl_);
}

const char* TlsConnection::words(unsigned long code) const {
  if (SSL_is_server(ssl_) == 0) return TlsClient::words(ssl_, code);
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "TLS failed";
}

Transfer TlsConnection::outcome(int result) {
  wants_write_ = false;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return {};
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return {};
    case SSL_ERROR_ZERO_RETURN:
      more_ = true;  // whoever reads again sees the end again
      return {Transfer::Kind::end, 0, 0};
    default:
      broken_ = true;
      if (ended_) {
        cut_off_ = more_ = true;
        return {Transfer::Kind::end, 0, 0};
      }
      if (error_ == 0) {
        error_ = EPROTO;
        failure_ = words(ERR_peek_error());
      }
      return {Transfer::Kind::failed, 0, error_};
  }
}

Transfer TlsConnection::handshake() {
  if (!held_.empty() && !let_go()) {
    wants_write_ = true;
    return error_ != 0 ? Transfer{Transfer::Kind::failed, 0, error_} : Transfer{};
  }
  ERR_clear_error();
  holding_ = server_ != nullptr;
  const int result = SSL_do_handshake(ssl_);
  holding_ = false;
  more_ = result == 1 && (SSL_has_pending(ssl_) != 0 || !early_.empty());
  // A request has come already: the tickets leave with the answer, in one write instead of three.
  if (!more_ && !held_.empty()) {
    if (result != 1) {
      const Transfer failed = outcome(result);
      if (let_go() || failed.kind != Transfer::Kind::blocked) return failed;
      wants_write_ = true;
      return error_ != 0 ? Transfer{Transfer::Kind::failed, 0, error_} : Transfer{};
    }
    if (!let_go()) {
      wants_write_ = true;  // and the handshake is called again
      return error_ != 0 ? Transfer{Transfer::Kind::failed, 0, error_} : Transfer{};
    }
  }
  if (result != 1) return outcome(result);
  return {Transfer::Kind::done, 0, 0};
}

bool TlsConnection::let_go() {
  const Transfer sent = socket_.write(held_.data(), held_.size());
  if (sent.kind == Transfer::Kind::failed) error_ = sent.error;
  if (sent.kind != Transfer::Kind::done) return false;
  held_.erase(0, sent.bytes);
  if (!held_.empty()) return false;
  std::string().swap(held_);
  return true;
}

std::string_view TlsConnection::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::unique_ptr<const PeerCertificate> TlsConnection::peer_certificate() const {
  const X509* const shown = SSL_get0_peer_certificate(ssl_);
  return shown != nullptr ? certificate_facts(shown) : nullptr;
}

bool TlsConnection::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

Transfer TlsConnection::read(char* to, std::size_t size) {
  ERR_clear_error();
  std::size_t bytes = 0;
  more_ = false;
  const int result = SSL_read_ex(ssl_, to, size, &bytes);
  if (result != 1) return outcome(result);
  // What is pending may be half a record only; then the next read finds that out without a system call.
  more_ = SSL_has_pending(ssl_) != 0 || !early_.empty();
  return {Transfer::Kind::done, bytes, 0};
}

Transfer TlsConnection::write(const char* from, std::size_t size) {
  if (broken_ || said_end_) return {Transfer::Kind::failed, 0, error_ != 0 ? error_ : EPIPE};
  ERR_clear_error();
  std::size_t bytes = 0;
  const int result = SSL_write_ex(ssl_, from, size, &bytes);
  if (result == 1) return {Transfer::Kind::done, bytes, 0};
  const Transfer failed = outcome(result);
  return failed.kind == Transfer::Kind::end ? Transfer{Transfer::Kind::failed, 0, EPIPE} : failed;
}

Transfer TlsConnection::write(const iovec* parts, int count) {
  if (count == 1 || parts->iov_len >= kRecord) return write(static_cast<const char*>(parts->iov_base), parts->iov_len);
  PooledBuffer record(kRecord);
  std::size_t size = 0;
  for (int i = 0; i < count && size < kRecord; ++i) {
    const std::size_t bytes = std::min(parts[i].iov_len, kRecord - size);
    std::memcpy(record.data() + size, parts[i].iov_base, bytes);
    size += bytes;
  }
  return write(record.data(), size);
}

bool TlsConnection::quiet() {
  char byte;
  return read(&byte, 1).kind == Transfer::Kind::blocked;
}

void TlsConnection::rest() {
  if (!more_) SSL_free_buffers(ssl_);
}

void TlsConnection::say_end() {
  if (broken_ || said_end_ || SSL_in_init(ssl_) != 0) return;
  said_end_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

}  // namespace gatehouse::io
