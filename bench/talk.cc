// bench_talk MODE PORT PATH CONNECTIONS SECONDS: what wrk and h2load do not do.
//   handshake   a TLS connection for every request, each with a whole handshake; CONNECTIONS threads
//   resumed     the same; each resumes the session of the one before it
//   websocket   WebSocket connections that stay: a frame of 32 bytes goes out, the same comes back, and again
// Prints "requests N failed F seconds S p50 US p99 US" at the end. A request of `resumed` that was not resumed failed.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Job {
  std::string mode, request;
  std::uint16_t port = 0;
  Clock::time_point end;
};

struct Result {
  std::vector<float> micros;
  std::uint64_t failed = 0;
};

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval patience{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto& kept = *static_cast<SSL_SESSION**>(SSL_get_app_data(ssl));
  SSL_SESSION_free(kept);
  kept = session;
  return 1;
}

/// One connection, one request, read to the end. Whether all went as it should.
bool one_connection(const Job& job, SSL_CTX* context, SSL_SESSION*& session, bool resume) {
  const int fd = connect_to(job.port);
  if (fd < 0) return false;
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  SSL_set_app_data(ssl, &session);
  SSL_set_tlsext_host_name(ssl, "localhost");
  const bool had = session != nullptr;
  if (resume && had) SSL_set_session(ssl, session);
  std::string answer;
  bool good = SSL_connect(ssl) == 1 && SSL_write(ssl, job.request.data(), static_cast<int>(job.request.size())) > 0;
  if (good && resume && had) good = SSL_session_reused(ssl) == 1;
  char buffer[4096];
  for (int got = 0; good && (got = SSL_read(ssl, buffer, sizeof buffer)) > 0;) answer.append(buffer, got);
  good = good && answer.starts_with("HTTP/1.1 200");
  SSL_shutdown(ssl);
  SSL_free(ssl);
  close(fd);
  return good;
}

void handshakes(const Job& job, Result& result) {
  const bool resume = job.mode == "resumed";
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_SESSION* session = nullptr;
  for (;;) {
    const auto start = Clock::now();
    if (start >= job.end) break;
    if (one_connection(job, context, session, resume)) {
      result.micros.push_back(std::chrono::duration<float, std::micro>(Clock::now() - start).count());
    } else {
      ++result.failed;
    }
  }
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
}

struct Echo {
  int fd = -1;
  std::size_t have = 0;  ///< bytes of the frame that have come back
  Clock::time_point sent;
};

int open_tunnel(const Job& job) {
  const int fd = connect_to(job.port);
  std::string head;
  if (fd >= 0) send(fd, job.request.data(), job.request.size(), MSG_NOSIGNAL);
  for (char c = 0; fd >= 0 && !head.ends_with("\r\n\r\n") && recv(fd, &c, 1, 0) == 1;) head += c;
  if (head.starts_with("HTTP/1.1 101")) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/// All connections from one thread, each with one frame under way.
void websocket(const Job& job, std::size_t connections, Result& result) {
  std::string frame("\x82\xa0\0\0\0\0", 6);  // binary, masked by zeros, 32 bytes
  frame += "0123456789abcdef0123456789abcdef";
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Echo> all(connections);
  const auto say = [&](Echo& echo) {
    echo.have = 0;
    echo.sent = Clock::now();
    return send(echo.fd, frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
  };
  for (std::size_t i = 0; i < connections; ++i) {
    all[i].fd = open_tunnel(job);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (all[i].fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0 || !say(all[i])) ++result.failed;
  }
  epoll_event events[64];
  char back[64];
  while (Clock::now() < job.end) {
    const int count = epoll_wait(epoll, events, 64, 1000);
    if (count == 0) result.failed += connections;  // everything stands still
    for (int n = 0; n < count; ++n) {
      Echo& echo = all[events[n].data.u64];
      const ssize_t got = recv(echo.fd, back, frame.size() - echo.have, MSG_DONTWAIT);
      if (got > 0 &&
          frame.compare(echo.have, static_cast<std::size_t>(got), back, static_cast<std::size_t>(got)) == 0) {
        echo.have += static_cast<std::size_t>(got);
        if (echo.have < frame.size()) continue;
        result.micros.push_back(std::chrono::duration<float, std::micro>(Clock::now() - echo.sent).count());
        if (say(echo)) continue;
      }
      ++result.failed;
      epoll_ctl(epoll, EPOLL_CTL_DEL, echo.fd, nullptr);
    }
  }
  for (const Echo& echo : all) close(echo.fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: bench_talk handshake|resumed|websocket PORT PATH CONNECTIONS SECONDS\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  Job job{.mode = argv[1], .request = {}, .port = static_cast<std::uint16_t>(std::atoi(argv[2])), .end = {}};
  const auto connections = static_cast<std::size_t>(std::atoi(argv[4]));
  const bool tunnel = job.mode == "websocket";
  job.request = std::string("GET ") + argv[3] + " HTTP/1.1\r\nHost: bench.test\r\n" +
                (tunnel ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                        : "Connection: close\r\n\r\n");
  const auto start = Clock::now();
  job.end = start + std::chrono::seconds(std::atoi(argv[5]));
  std::vector<Result> results(connections);
  std::vector<std::thread> threads;
  if (tunnel) {
    websocket(job, connections, results.front());
  } else {
    for (Result& result : results) threads.emplace_back([&] { handshakes(job, result); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<float> all;
  std::uint64_t failed = 0;
  for (const Result& result : results) {
    all.insert(all.end(), result.micros.begin(), result.micros.end());
    failed += result.failed;
  }
  std::ranges::sort(all);
  const auto at = [&](double share) {
    return all.empty() ? 0.F : all[std::min(all.size() - 1, static_cast<std::size_t>(share * double(all.size())))];
  };
  std::printf("requests %zu failed %llu seconds %.3f p50 %.1f p99 %.1f\n", all.size(),
              static_cast<unsigned long long>(failed), seconds, at(0.5), at(0.99));
}
