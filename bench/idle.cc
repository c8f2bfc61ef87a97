// bench_idle PORT N PATH [tls]: opens N keep-alive connections to 127.0.0.1:PORT, sends one GET on each, reads its
// answer and holds the connection. Prints "ready OK FAILED" when each has had its answer or failed, then "open K" for
// every line on its input: how many the other side has not closed. Ends with its input. Bodies need a Content-Length.

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kInFlight = 128;

struct Client {
  int fd = -1;
  std::string in;
};

/// Whether `in` holds a whole response with status 200; -1 not yet, 0 no, 1 yes.
int answered(const std::string& in) {
  const std::size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return in.size() > 65536 ? 0 : -1;
  if (!in.starts_with("HTTP/1.1 200")) return 0;
  std::string head = in.substr(0, end + 2);
  std::ranges::transform(head, head.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (head.find("connection: close") != std::string::npos) return 0;
  constexpr std::string_view kLength = "content-length:";
  std::size_t at = head.find(kLength);
  if (at == std::string::npos) return 0;
  at = head.find_first_not_of(' ', at + kLength.size());
  std::size_t length = 0;
  std::from_chars(head.data() + at, head.data() + head.size(), length);
  return in.size() >= end + 4 + length ? 1 : -1;
}

/// Connects (blocking: loopback) and sends the request; -1 if either fails.
int start(std::uint16_t port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
    if (fd >= 0) close(fd);
    return -1;
  }
  return fd;
}

/// One after the other: a connection through TLS, its request and its whole answer. What comes later, such as an end,
/// is seen below TLS.
std::size_t hold_through_tls(std::uint16_t port, std::size_t wanted, const std::string& request,
                             std::vector<int>& held) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < wanted; ++i) {
    const int fd = start(port, "");
    const timeval patience{5, 0};
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL* const ssl = SSL_new(context);  // stays: its end would be the connection's
    if (fd >= 0) SSL_set_fd(ssl, fd);
    int state = fd >= 0 && SSL_connect(ssl) == 1 && SSL_write(ssl, request.data(), static_cast<int>(request.size())) > 0
                    ? -1
                    : 0;
    std::string in;
    char buffer[4096];
    while (state < 0) {
      const int got = SSL_read(ssl, buffer, sizeof buffer);
      if (got > 0) in.append(buffer, static_cast<std::size_t>(got));
      state = got > 0 ? answered(in) : 0;
    }
    if (state == 1) {
      held.push_back(fd);
    } else {
      ++failed;
    }
  }
  return failed;
}

std::size_t count_open(const std::vector<int>& held) {
  return std::ranges::count_if(held, [](int fd) {
    char c = 0;
    return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fputs("usage: bench_idle PORT N PATH [tls]\n", stderr);
    return 2;
  }
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const std::size_t wanted = std::strtoul(argv[2], nullptr, 10);
  const std::string request = std::string("GET ") + argv[3] + " HTTP/1.1\r\nHost: bench.test\r\n\r\n";
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Client> clients;
  std::vector<int> held;
  std::size_t begun = 0, in_flight = 0, failed = 0;
  std::array<epoll_event, 256> events;
  std::array<char, 16384> buffer;
  if (argc == 5) {
    failed = hold_through_tls(port, wanted, request, held);
    begun = wanted;
  }
  while (begun < wanted || in_flight > 0) {
    for (; begun < wanted && in_flight < kInFlight; ++begun) {
      const int fd = start(port, request);
      if (fd < 0) {
        ++failed;
        continue;
      }
      epoll_event event{.events = EPOLLIN, .data = {.u64 = clients.size()}};
      clients.push_back({fd, {}});
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      ++in_flight;
    }
    const int n = epoll_wait(epoll, events.data(), events.size(), 10000);
    if (n == 0) {
      failed += in_flight;
      break;
    }
    for (int i = 0; i < n; ++i) {
      Client& client = clients[events[i].data.u64];
      const ssize_t got = read(client.fd, buffer.data(), buffer.size());
      if (got > 0) client.in.append(buffer.data(), got);
      const int state = got > 0 ? answered(client.in) : 0;
      if (state < 0) continue;
      --in_flight;
      epoll_ctl(epoll, EPOLL_CTL_DEL, client.fd, nullptr);
      std::string().swap(client.in);
      if (state == 1) {
        held.push_back(client.fd);
      } else {
        ++failed;
        close(client.fd);
      }
    }
  }
  std::printf("ready %zu %zu\n", held.size(), failed);
  std::fflush(stdout);
  char line = 0;
  while (read(STDIN_FILENO, &line, 1) == 1) {
    if (line != '\n') continue;
    std::printf("open %zu\n", count_open(held));
    std::fflush(stdout);
  }
}
