#pragma once
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/ip_address.h"

namespace gatehouse::io {

/// A socket address that can be connected or bound to: IP and port, or a Unix path. A value.
class Endpoint {
 public:
  Endpoint() = default;
  static Endpoint ip(const IpAddress& address, std::uint16_t port);
  /// `path` must be shorter than 108 bytes, else nullopt.
  static std::optional<Endpoint> unix_path(const std::string& path);
  /// From what accept4, getsockname or getpeername filled.
  static Endpoint from(const sockaddr_storage& storage, socklen_t size);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return storage_.ss_family == AF_UNIX; }
  IpAddress address() const { return IpAddress::from(*get()); }
  std::uint16_t port() const;
  /// "10.0.0.1:80", "[::1]:80", "unix:/run/x.sock".
  std::string text() const;
  friend bool operator==(const Endpoint& a, const Endpoint& b) { return a.text() == b.text(); }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// A listening, non-blocking socket. Errors: a sentence that names the address ("cannot listen on 0.0.0.0:80: address
/// already in use"). A Unix path that nobody listens on any more is replaced.
std::expected<int, std::string> listen_on(const Endpoint& endpoint, int backlog = 4096);
/// From now on no new connection reaches the listening socket `fd`; those that wait in it can still be accepted. A
/// close would reset whatever came between the last accept and itself. For all who share the socket, for good.
void refuse_new_connections(int fd);
/// Whether `fd` is a listening socket bound to `endpoint` (for LISTEN_FDS).
bool is_listening_on(int fd, const Endpoint& endpoint);

/// A non-blocking socket whose connect has been started (or is done). -1 and errno on failure.
int start_connect(const Endpoint& endpoint);
/// The pending error of a connecting socket, 0 once it is connected.
int connect_error(int fd);
/// Accepts one connection, non-blocking, TCP_NODELAY set; -1 and errno (EAGAIN: none waits).
int accept_from(int listening_fd, Endpoint& peer);
/// The local end of a connection.
Endpoint local_endpoint(int fd);
/// Makes close() send RST instead of FIN, so that the peer cannot take what it got for the whole.
void reset_on_close(int fd);

}  // namespace gatehouse::io
