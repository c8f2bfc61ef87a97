#include "support/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <vector>

namespace gatehouse::test {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string_view name(End end) {
  switch (end) {
    case End::open:
      return "open";
    case End::eof:
      return "eof";
    case End::reset:
      return "reset";
    case End::timeout:
      return "timeout";
  }
  return "?";
}

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress loopback(std::uint16_t port, Loopback family) {
  SocketAddress result;
  if (family == Loopback::v4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    result.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_addr = in6addr_loopback;
    result.size = sizeof *v6;
  }
  return result;
}

SocketAddress unix_address(const std::string& path) {
  SocketAddress result;
  auto* un = reinterpret_cast<sockaddr_un*>(&result.storage);
  un->sun_family = AF_UNIX;
  std::strncpy(un->sun_path, path.c_str(), sizeof un->sun_path - 1);
  result.size = sizeof *un;
  return result;
}

Fd open_socket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

int family_of(Loopback family) {
  return family == Loopback::v4 ? AF_INET : AF_INET6;
}

Ready wait_for(int fd, short events, const Deadline& deadline, int other) {
  pollfd fds[2] = {{fd, events, 0}, {other, POLLIN, 0}};
  for (;;) {
    int count = ::poll(fds, 2, deadline.left());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Ready::timeout;
    return fds[0].revents != 0 ? Ready::yes : Ready::stopped;
  }
}

}  // namespace

std::uint16_t free_port() {
  constexpr int kFirst = 12000, kCount = 18000;
  static std::mutex mutex;
  static std::vector<Fd> leases;  // held until the process ends
  static int next = static_cast<int>(::getpid()) * 61 % kCount;
  std::lock_guard lock(mutex);
  ::mkdir("/tmp/gatehouse-test-ports", 0777);
  for (int tries = 0; tries < kCount; ++tries) {
    int port = kFirst + next;
    next = (next + 1) % kCount;
    std::string path = "/tmp/gatehouse-test-ports/" + std::to_string(port);
    Fd lease(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
    if (!lease || ::flock(lease.get(), LOCK_EX | LOCK_NB) != 0) continue;
    auto number = static_cast<std::uint16_t>(port);
    if (!listen_tcp(number) || !listen_tcp(number, Loopback::v6)) continue;
    leases.push_back(std::move(lease));
    return number;
  }
  return 0;
}

Fd listen_tcp(std::uint16_t port, Loopback family, int backlog) {
  Fd fd = open_socket(family_of(family));
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == Loopback::v6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  SocketAddress address = loopback(port, family);
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), backlog) != 0) return Fd();
  return fd;
}

Fd listen_unix(const std::string& path) {
  ::unlink(path.c_str());
  Fd fd = open_socket(AF_UNIX);
  SocketAddress address = unix_address(path);
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), 512) != 0) return Fd();
  return fd;
}

std::uint16_t local_port(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(fd, address.get(), &address.size) != 0) return 0;
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port);
  }
  return ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
}

Fd connect_tcp(std::uint16_t port, const ConnectOptions& options) {
  Fd fd = open_socket(family_of(options.family));
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.receive_buffer > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  if (!options.source.empty()) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    ::inet_pton(AF_INET, options.source.c_str(), &from.sin_addr);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) return Fd();
  }
  SocketAddress address = loopback(port, options.family);
  if (::connect(fd.get(), address.get(), address.size) != 0) return Fd();
  return fd;
}

Fd connect_unix(const std::string& path) {
  Fd fd = open_socket(AF_UNIX);
  SocketAddress address = unix_address(path);
  if (::connect(fd.get(), address.get(), address.size) != 0) return Fd();
  return fd;
}

Ready wait_readable(int fd, const Deadline& deadline, int other) {
  return wait_for(fd, POLLIN, deadline, other);
}
Ready wait_writable(int fd, const Deadline& deadline, int other) {
  return wait_for(fd, POLLOUT, deadline, other);
}

End read_some(int fd, std::string& into, const Deadline& deadline, int stop, std::size_t limit) {
  for (;;) {
    Ready ready = wait_readable(fd, deadline, stop);
    if (ready != Ready::yes) return End::timeout;
    std::size_t before = into.size();
    into.resize(before + limit);
    ssize_t got = ::recv(fd, into.data() + before, limit, MSG_DONTWAIT);
    into.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0) return End::open;
    if (got == 0) return End::eof;
    if (errno != EAGAIN && errno != EINTR) return End::reset;
  }
}

bool write_all(int fd, std::string_view bytes, const Deadline& deadline, int stop) {
  while (!bytes.empty()) {
    ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      if (wait_writable(fd, deadline, stop) != Ready::yes) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void reset_connection(Fd& fd) {
  linger now{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd.close();
}

}  // namespace gatehouse::test
