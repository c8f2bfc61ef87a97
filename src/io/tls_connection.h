#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/peer_certificate.h"
#include "io/descriptor.h"
#include "io/tls_client.h"
#include "io/tls_server.h"

struct bio_method_st;
struct bio_st;

namespace gatehouse::io {

/// One connection's TLS (OpenSSL) over a descriptor: it reads and writes through it, so that no system call is made
/// that could only fail. Owner: a Channel; the descriptor's thread.
class TlsConnection {
 public:
  /// The server's side; `received` has been read from the descriptor already. Null: no memory.
  static std::unique_ptr<TlsConnection> accept(Descriptor& socket, std::shared_ptr<const TlsServer> server,
                                               std::string_view received);
  /// The client's side towards `peer`. `session` outlives the connection. Null: as TlsClient::new_session.
  static std::unique_ptr<TlsConnection> connect(Descriptor& socket, const TlsPeer& peer, TlsSession& session);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  Transfer handshake();
  /// What ALPN chose (RFC 7301), "" for nothing. After the handshake.
  std::string_view protocol() const;
  /// The handshake took up a session of before.
  bool resumed() const;
  /// What the peer's certificate says, null if it showed none. After the handshake.
  std::unique_ptr<const PeerCertificate> peer_certificate() const;
  bool wants_write() const { return wants_write_; }
  /// Why the connection failed, in OpenSSL's words; a literal, "" where it was not TLS that failed.
  const char* failure() const { return failure_; }

  Transfer read(char* to, std::size_t size);
  Transfer write(const char* from, std::size_t size);
  /// Small parts become one record. After `blocked` the same bytes must be offered again.
  Transfer write(const iovec* parts, int count);
  /// Bytes, or the end, lie here that nobody has read.
  bool holds_bytes() const { return more_; }
  /// The peer's end came without a close_notify: it is no sign that what was read is the whole.
  bool cut_off() const { return cut_off_; }
  /// Takes in what came of TLS's own, such as tickets. False: bytes or an end came too, or it failed; the connection
  /// is of no use to one who expects nothing.
  bool quiet();

  /// Gives up the buffers, which nobody needs until bytes come.
  void rest();
  /// Tells the peer that nothing more comes (close_notify), once.
  void say_end();
  /// Nothing more is to be said: the connection is reset.
  void fall_silent() { broken_ = true; }

 private:
  explicit TlsConnection(Descriptor& socket) : socket_(socket) {}
  /// Ties the OpenSSL side to the descriptor. Takes over `ssl`, which may be null; false: no memory.
  bool take(ssl_st* ssl);
  static const bio_method_st* bio_method();
  static int bio_read(bio_st* bio, char* to, int size);
  static int bio_write(bio_st* bio, const char* from, int size);
  const char* words(unsigned long code) const;
  /// Writes what was held back; false if the socket takes no more for now, or has failed.
  bool let_go();
  /// What a failed call of OpenSSL's means.
  Transfer outcome(int result);

  Descriptor& socket_;
  ssl_st* ssl_ = nullptr;
  std::shared_ptr<const TlsServer> server_;  ///< the handshake's callbacks use it
  std::string early_;                        ///< received before TLS began
  std::string held_;                         ///< written by OpenSSL, to leave with what comes next
  const char* failure_ = "";
  int error_ = 0;
  bool more_ = false;
  bool holding_ = false;  ///< what OpenSSL writes waits in held_
  bool broken_ = false;   ///< after a fatal error nothing can be sent, not even an end
  bool said_end_ = false;
  bool ended_ = false;  ///< the peer ended the connection below TLS
  bool cut_off_ = false;
  bool wants_write_ = false;
};

}  // namespace gatehouse::io
