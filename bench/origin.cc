// The upstream of the load benchmark: one thread, level-triggered epoll, HTTP/1.1 with keep-alive and pipelining.
//
//   GET /small, /r/…, /gen-…  a JSON body of 100 bytes        GET /bytes/N    N bytes with Content-Length
//   GET /echo                 the request head as it came     GET /chunked/N  N bytes in chunks of 16 KiB
//   POST /upload              {"bytes":N}, N counted          anything else   404
//
// It trusts its client: a malformed request closes the connection, and nothing is limited but the head (64 KiB).

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kBlock = 256 * 1024;

std::string make_small() {
  std::string body = R"({"id":4711,"name":"benchmark","tags":["a","b"],"price":12.5,"text":")";
  body.append(98 - body.size(), 'x');
  return body + "\"}";
}
std::string make_chunk() {
  return "4000\r\n" + std::string(kChunk, 'c') + "\r\n";
}

const std::string kSmallBody = make_small();
const std::string kFullChunk = make_chunk();
const std::string kBytes(kBlock, 'b');

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// What of a response body is still to be made; heads and small bodies are put into Connection::out at once.
struct Pending {
  enum class Kind : std::uint8_t { none, bytes, chunks };
  Kind kind = Kind::none;
  std::uint64_t left = 0;  ///< body bytes
};

/// Counts the bytes of a chunked request body.
class ChunkedReader {
 public:
  void start() { *this = {}; }
  bool done() const { return state_ == State::done; }
  bool failed() const { return state_ == State::failed; }
  std::uint64_t bytes() const { return bytes_; }

  /// Takes what belongs to the body from the front of `data` and gives how much that was.
  std::size_t take(std::string_view data) {
    std::size_t at = 0;
    while (at < data.size() && state_ != State::done && state_ != State::failed) {
      if (state_ == State::data) {
        const std::size_t n = std::min<std::uint64_t>(left_, data.size() - at);
        at += n;
        left_ -= n;
        bytes_ += n;
        if (left_ == 0) state_ = State::data_end;
        continue;
      }
      const char c = data[at++];
      if (c != '\n') {
        if (c != '\r') line_.push_back(c);
        if (line_.size() > 1024) state_ = State::failed;
        continue;
      }
      end_of_line();
      line_.clear();
    }
    return at;
  }

 private:
  enum class State : std::uint8_t { size, data, data_end, trailers, done, failed };

  void end_of_line() {
    if (state_ == State::size) {
      const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
      if (error != std::errc{}) {
        state_ = State::failed;
      } else {
        state_ = left_ == 0 ? State::trailers : State::data;
      }
    } else if (state_ == State::data_end) {
      state_ = line_.empty() ? State::size : State::failed;
    } else if (line_.empty()) {
      state_ = State::done;
    }
  }

  State state_ = State::size;
  std::uint64_t left_ = 0, bytes_ = 0;
  std::string line_;
};

struct Connection {
  int fd = -1;
  std::string in;   ///< bytes of an unfinished head
  std::string out;  ///< bytes to write before `pending` is continued
  std::size_t out_at = 0;
  Pending pending;
  bool reading_body = false, body_chunked = false;
  std::uint64_t body_left = 0, body_bytes = 0;
  ChunkedReader chunked;
  bool close_after = false, waits_for_write = false;
  bool tunnel = false;  ///< everything goes back as it came
};

struct RequestHead {
  std::string_view method, path;
  std::uint64_t content_length = 0;
  bool chunked = false, close = false, expects_continue = false, upgrade = false;
};

/// `head` ends with its empty line. False: not a request.
bool parse(std::string_view head, RequestHead& request) {
  std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const std::size_t first = line.find(' '), second = line.rfind(' ');
  if (first == std::string_view::npos || second <= first) return false;
  request.method = line.substr(0, first);
  request.path = line.substr(first + 1, second - first - 1);
  request.close = line.substr(second + 1) == "HTTP/1.0";
  for (std::size_t at = end + 2; at < head.size(); at = end + 2) {
    end = head.find("\r\n", at);
    if (end == at) break;
    const std::string_view field = head.substr(at, end - at);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = field.substr(0, colon);
    std::string_view value = field.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (name.size() == 14 && equals_ignoring_case(name, "content-length")) request.content_length = number(value);
    if (name.size() == 17 && equals_ignoring_case(name, "transfer-encoding")) request.chunked = true;
    if (name.size() == 10 && equals_ignoring_case(name, "connection")) {
      request.close = equals_ignoring_case(value, "close");
    }
    if (name.size() == 6 && equals_ignoring_case(name, "expect")) request.expects_continue = true;
    if (name.size() == 7 && equals_ignoring_case(name, "upgrade")) request.upgrade = true;
  }
  return true;
}

class Origin {
 public:
  explicit Origin(int listener) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_, EPOLLIN, true);
  }

  void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int n = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < n; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_all();
          continue;
        }
        Connection& c = *connections_[fd];
        bool alive = true;
        if ((events[i].events & EPOLLOUT) != 0) alive = write_out(c) && (idle_output(c) ? consume(c, {}) : true);
        if (alive && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = read_some(c);
        if (!alive) drop(fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t events, bool add) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    epoll_ctl(epoll_, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(fd + 1);
      connections_[fd] = std::make_unique<Connection>();
      connections_[fd]->fd = fd;
      watch(fd, EPOLLIN, true);
    }
  }

  void drop(int fd) {
    connections_[fd].reset();
    close(fd);
  }

  static bool idle_output(const Connection& c) { return c.out.empty() && c.pending.kind == Pending::Kind::none; }

  bool read_some(Connection& c) {
    // While a response waits for its reader only EPOLLOUT is asked for, so this is an error or a hang-up.
    if (!idle_output(c)) return false;
    const ssize_t n = read(c.fd, buffer_.data(), buffer_.size());
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    return consume(c, {buffer_.data(), static_cast<std::size_t>(n)});
  }

  /// Handles every request that is complete in what was kept and `data`. False: close the connection.
  bool consume(Connection& c, std::string_view data) {
    std::string kept;
    if (!c.in.empty()) {
      kept.swap(c.in);
      kept.append(data);
      data = kept;
    }
    while (!data.empty()) {
      if (c.tunnel) {
        c.out.append(data);
        return write_out(c);
      }
      if (c.reading_body) {
        if (!take_body(c, data)) return false;
        if (c.reading_body) return true;
        answer_upload(c);
      } else {
        const std::size_t end = data.find("\r\n\r\n");
        if (end == std::string_view::npos) {
          c.in.assign(data);
          return data.size() < kMaxHead;
        }
        const std::string_view head = data.substr(0, end + 4);
        data.remove_prefix(end + 4);
        if (!begin(c, head)) return false;
        if (c.reading_body) continue;
      }
      if (!write_out(c)) return false;
      if (!idle_output(c)) {
        c.in.assign(data);
        return true;
      }
    }
    return true;
  }

  static bool take_body(Connection& c, std::string_view& data) {
    if (c.body_chunked) {
      data.remove_prefix(c.chunked.take(data));
      if (c.chunked.failed()) return false;
      c.body_bytes = c.chunked.bytes();
      c.reading_body = !c.chunked.done();
      return true;
    }
    const std::size_t n = std::min<std::uint64_t>(c.body_left, data.size());
    data.remove_prefix(n);
    c.body_left -= n;
    c.body_bytes += n;
    c.reading_body = c.body_left > 0;
    return true;
  }

  static void head(Connection& c, std::string_view status, std::string_view type, std::string_view framing) {
    c.out.append("HTTP/1.1 ").append(status).append("\r\nServer: bench\r\nContent-Type: ").append(type);
    c.out.append("\r\n").append(framing).append(c.close_after ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  }
  static void whole(Connection& c, std::string_view status, std::string_view type, std::string_view body) {
    head(c, status, type, "Content-Length: " + std::to_string(body.size()));
    c.out.append(body);
  }
  static void answer_upload(Connection& c) {
    whole(c, "200 OK", "application/json", "{\"bytes\":" + std::to_string(c.body_bytes) + "}");
  }

  static bool begin(Connection& c, std::string_view text) {
    RequestHead request;
    if (!parse(text, request)) return false;
    c.close_after = request.close;
    const std::string_view path = request.path;
    if (request.upgrade && path == "/websocket") {
      // The one key that bench_talk sends (RFC 6455 section 1.3).
      c.out =
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
      c.close_after = false;
      c.tunnel = true;
      return true;
    }
    if (request.chunked || request.content_length > 0) {
      c.reading_body = true;
      c.body_chunked = request.chunked;
      c.body_left = request.content_length;
      c.body_bytes = 0;
      c.chunked.start();
      if (request.expects_continue) c.out = "HTTP/1.1 100 Continue\r\n\r\n";
    } else if (path.starts_with("/small") || path.starts_with("/r/") || path.starts_with("/gen-")) {
      whole(c, "200 OK", "application/json", kSmallBody);
    } else if (path.starts_with("/bytes/")) {
      c.pending = {Pending::Kind::bytes, number(path.substr(7))};
      head(c, "200 OK", "application/octet-stream", "Content-Length: " + std::to_string(c.pending.left));
    } else if (path.starts_with("/chunked/")) {
      c.pending = {Pending::Kind::chunks, number(path.substr(9))};
      head(c, "200 OK", "application/octet-stream", "Transfer-Encoding: chunked");
    } else if (path == "/echo") {
      whole(c, "200 OK", "text/plain", text);
    } else if (path == "/upload") {
      c.body_bytes = 0;
      answer_upload(c);
    } else {
      whole(c, "404 Not Found", "application/json", R"({"error":"nothing here"})");
    }
    return true;
  }

  /// Writes until all is out or the socket is full. False: close the connection.
  bool write_out(Connection& c) {
    for (;;) {
      if (c.pending.kind == Pending::Kind::chunks) fill_chunks(c);
      std::array<iovec, 2> parts{{{c.out.data() + c.out_at, c.out.size() - c.out_at}, {}}};
      if (c.pending.kind == Pending::Kind::bytes) {
        parts[1] = {const_cast<char*>(kBytes.data()), std::min<std::uint64_t>(c.pending.left, kBytes.size())};
      }
      if (parts[0].iov_len + parts[1].iov_len == 0) return finish(c);
      const ssize_t n = writev(c.fd, parts.data(), parts.size());
      if (n < 0 && errno == EAGAIN) {
        if (!c.waits_for_write) watch(c.fd, EPOLLOUT, false);
        c.waits_for_write = true;
        return true;
      }
      if (n < 0) return false;
      const std::size_t from_out = std::min<std::size_t>(n, parts[0].iov_len);
      c.out_at += from_out;
      if (c.pending.kind == Pending::Kind::bytes) c.pending.left -= n - from_out;
      if (c.out_at == c.out.size()) {
        c.out.clear();
        c.out_at = 0;
      }
    }
  }

  bool finish(Connection& c) {
    c.pending = {};
    if (c.waits_for_write) watch(c.fd, EPOLLIN, false);
    c.waits_for_write = false;
    return !c.close_after || c.reading_body;
  }

  static void fill_chunks(Connection& c) {
    while (c.pending.kind == Pending::Kind::chunks && c.out.size() - c.out_at < kBlock) {
      if (c.pending.left >= kChunk) {
        c.out.append(kFullChunk);
        c.pending.left -= kChunk;
        continue;
      }
      if (c.pending.left > 0) {
        std::array<char, 16> size{};
        const int n =
            std::snprintf(size.data(), size.size(), "%llx\r\n", static_cast<unsigned long long>(c.pending.left));
        c.out.append(size.data(), n).append(c.pending.left, 'c').append("\r\n");
      }
      c.out.append("0\r\n\r\n");
      c.pending = {};
    }
  }

  int listener_, epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::array<char, 64 * 1024> buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bench_origin PORT\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(number(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) {
    std::perror("bench_origin: listen");
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  auto origin = std::make_unique<Origin>(listener);
  origin->run();
}
