#include "io/socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace gatehouse::io {

Endpoint Endpoint::ip(const IpAddress& address, std::uint16_t port) {
  Endpoint made;
  if (address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(made.storage_);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.bytes().data() + 12, 4);
    made.size_ = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(made.storage_);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, address.bytes().data(), 16);
    made.size_ = sizeof in;
  }
  return made;
}

std::optional<Endpoint> Endpoint::unix_path(const std::string& path) {
  Endpoint made;
  auto& un = reinterpret_cast<sockaddr_un&>(made.storage_);
  if (path.empty() || path.size() >= sizeof un.sun_path) return std::nullopt;
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  made.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return made;
}

Endpoint Endpoint::from(const sockaddr_storage& storage, socklen_t size) {
  Endpoint made;
  made.storage_ = storage;
  made.size_ = size;
  return made;
}

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

std::string Endpoint::text() const {
  if (is_unix()) {
    const auto& un = reinterpret_cast<const sockaddr_un&>(storage_);
    return "unix:" + std::string(un.sun_path, strnlen(un.sun_path, sizeof un.sun_path));
  }
  const std::string host = address().text();
  const std::string port_text = std::to_string(port());
  return family() == AF_INET6 ? "[" + host + "]:" + port_text : host + ":" + port_text;
}

namespace {

const char* path_of(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_un*>(endpoint.get())->sun_path;
}

bool is_socket_file(const Endpoint& endpoint) {
  struct stat status{};
  return ::lstat(path_of(endpoint), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// A Unix socket file that a process left behind: nobody accepts on it. Of a plain file connect() says the same, so the
/// kind is looked at first.
bool is_stale_unix_socket(const Endpoint& endpoint) {
  if (!is_socket_file(endpoint)) return false;
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool stale = ::connect(probe, endpoint.get(), endpoint.size()) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return stale;
}

std::unexpected<std::string> cannot_listen(const Endpoint& endpoint, int error) {
  const char* why = error == EADDRINUSE ? "the port is already in use" : std::strerror(error);
  if (error == EADDRINUSE && endpoint.is_unix()) {
    why = is_socket_file(endpoint) ? "another process listens on it" : "there is a file of that name";
  }
  return std::unexpected("cannot listen on " + endpoint.text() + ": " + why);
}

}  // namespace

std::expected<int, std::string> listen_on(const Endpoint& endpoint, int backlog) {
  const int fd = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(endpoint, errno);
  const int on = 1;
  if (!endpoint.is_unix()) {
    // For ports in TIME_WAIT only; two listeners on one port are still refused by the kernel.
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint.family() == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  int bound = ::bind(fd, endpoint.get(), endpoint.size());
  if (bound != 0 && errno == EADDRINUSE && endpoint.is_unix() && is_stale_unix_socket(endpoint)) {
    ::unlink(path_of(endpoint));
    bound = ::bind(fd, endpoint.get(), endpoint.size());
  }
  if (bound != 0 || ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return cannot_listen(endpoint, error);
  }
  return fd;
}

void refuse_new_connections(int fd) {
  if (local_endpoint(fd).is_unix()) {
    ::shutdown(fd, SHUT_RD);  // connect() fails, accept() goes on until the queue is empty
    return;
  }
  // A filter sees the TCP header first: drops SYN without ACK, lets what belongs to a handshake under way pass.
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

bool is_listening_on(int fd, const Endpoint& endpoint) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) return false;
  return local_endpoint(fd) == endpoint;
}

int start_connect(const Endpoint& endpoint) {
  const int fd = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (!endpoint.is_unix()) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (::connect(fd, endpoint.get(), endpoint.size()) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ? errno : error;
}

int accept_from(int listening_fd, Endpoint& peer) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const int fd = ::accept4(listening_fd, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  peer = Endpoint::from(storage, size);
  if (!peer.is_unix()) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

Endpoint local_endpoint(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return Endpoint::from(storage, size);
}

void reset_on_close(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

}  // namespace gatehouse::io
