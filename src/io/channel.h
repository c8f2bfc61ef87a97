#pragma once
#include <memory>
#include <string_view>

#include "io/descriptor.h"
#include "io/tls_connection.h"

namespace gatehouse::io {

/// A connection's bytes, plain or through TLS: read, written and waited for in the same manner, with the same rule that
/// nothing is tried that could only fail. Owner and thread: as Descriptor's.
class Channel : private Descriptor {
 public:
  Channel() = default;
  ~Channel() { close(); }

  using Descriptor::can_write;
  using Descriptor::dead;
  using Descriptor::fd;
  using Descriptor::hangup;
  using Descriptor::is_open;
  using Descriptor::open;
  using Descriptor::peer_finished;
  using Descriptor::readable;
  using Descriptor::writable;

  /// Speaks TLS from here on, as the server; `received` has been read already. False: no memory.
  bool start_tls(std::shared_ptr<const TlsServer> server, std::string_view received);
  /// Speaks TLS from here on, as the client; `session` outlives the connection. False: as TlsConnection::connect.
  bool start_tls(const TlsPeer& peer, TlsSession& session);
  /// What a handshake that is blocked waits for.
  Signal& handshake_signal() { return tls_->wants_write() ? writable : readable; }
  /// Null on a plain connection.
  TlsConnection* tls() { return tls_.get(); }
  const TlsConnection* tls() const { return tls_.get(); }

  Transfer read(char* to, std::size_t size) {
    return tls_ == nullptr ? Descriptor::read(to, size) : tls_->read(to, size);
  }
  Transfer write(const char* from, std::size_t size) {
    return tls_ == nullptr ? Descriptor::write(from, size) : tls_->write(from, size);
  }
  /// After `blocked` the same bytes must be offered again.
  Transfer write(const iovec* parts, int count) {
    return tls_ == nullptr ? Descriptor::write(parts, count) : tls_->write(parts, count);
  }
  /// Reads once and drops what comes, undeciphered: for what nobody wants any more.
  Transfer discard();
  bool can_read() const { return Descriptor::can_read() || (tls_ != nullptr && tls_->holds_bytes()); }
  /// Whether nothing has come on a connection on which nothing is expected; what TLS needs for itself is nothing.
  bool quiet() {
    if (peer_finished()) return false;
    return !can_read() || (tls_ != nullptr && tls_->quiet());
  }
  /// After an end: the protocol has an orderly one, and this was none.
  bool cut_off() const { return tls_ != nullptr && tls_->cut_off(); }

  /// Bytes that were written and the peer has not taken yet.
  std::size_t unsent() const;
  /// Nothing is under way: gives up what memory it can.
  void rest() {
    if (tls_ != nullptr) tls_->rest();
  }
  /// Nothing more will be written: tells the peer.
  void shut_down_writing();
  /// What was written is not the whole: close() says no orderly end where the protocol has one.
  void break_off() {
    if (tls_ != nullptr) tls_->fall_silent();
  }
  /// Makes close() a reset, so that the peer cannot take what it got for the whole.
  void reset_on_close();
  void close() noexcept;

 private:
  std::unique_ptr<TlsConnection> tls_;
};

}  // namespace gatehouse::io
