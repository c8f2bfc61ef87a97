#include "engine/local_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gatehouse::engine {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int kPatience = 20'000;  // ms; reaching it is a failure

/// A blocking connection that sends bytes and reads what comes.
class Client {
 public:
  explicit Client(int fd) : fd_(fd) {}
  Client(const Client&) = delete;
  ~Client() { ::close(fd_); }

  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  bool readable_within(int ms) const {
    pollfd entry{fd_, POLLIN, 0};
    return ::poll(&entry, 1, ms) == 1;
  }
  /// Reads until `enough` is there; "" is the end of the connection.
  std::string read_until(std::string_view enough) {
    while (enough.empty() || !got_.ends_with(enough)) {
      char room[4096];
      if (!readable_within(kPatience)) return got_ + "<nothing more came>";
      const ssize_t count = ::recv(fd_, room, sizeof room, 0);
      if (count < 0) return got_ + "<reset>";
      if (count == 0) break;
      got_.append(room, static_cast<std::size_t>(count));
    }
    return std::exchange(got_, "");
  }
  std::string read_all() { return read_until(""); }

 private:
  int fd_;
  std::string got_;
};

LocalResponse echo(const LocalRequest& request) {
  if (request.path == "/throw") throw std::runtime_error("broken");
  if (request.path == "/status") return {.status = 99, .body = "x"};
  if (request.path == "/header") return {.body = "x", .headers = {{"X-Name", "a\r\nX-Injected: b"}}};
  if (request.path == "/length") return {.body = "x", .headers = {{"Content-Length", "7"}}};
  if (request.path == "/none") return {.status = 204, .body = "dropped"};
  if (request.path == "/slow") return {.body = "slow", .delay = milliseconds(100)};
  if (request.path == "/large") return {.body = std::string(4'000'000, 'x') + "END"};
  std::string text = std::string(request.method) + " " + std::string(request.path) + " " + std::string(request.query);
  text += " " + std::string(request.header("host")) + " " + std::string(request.body) + ".";
  return {.content_type = "text/plain", .body = text, .headers = {{"X-Seen", std::string(request.header("X-Sent"))}}};
}

class LocalServerTest : public testing::Test {
 protected:
  void start(const LocalLimits& limits = {}) {
    const auto fd = io::listen_on(io::Endpoint::ip(*IpAddress::parse("127.0.0.1"), 0));
    ASSERT_TRUE(fd.has_value()) << fd.error();
    address_ = io::local_endpoint(*fd);
    server_ = std::make_unique<LocalServer>(reactor_, *fd, &echo, limits);
    thread_ = std::thread([this] {
      reactor_.run();
      server_.reset();
    });
  }
  ~LocalServerTest() override {
    if (!thread_.joinable()) return;
    reactor_.post([this] { reactor_.stop(); });
    thread_.join();
  }

  static int make_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
  int connect(int fd = make_socket()) const {
    EXPECT_EQ(::connect(fd, address_.get(), address_.size()), 0);
    return fd;
  }
  /// What the server says to `bytes` until it closes.
  std::string ask(std::string_view bytes) const {
    Client client(connect());
    client.send(bytes);
    return client.read_all();
  }

  io::Reactor reactor_;
  io::Endpoint address_;
  std::unique_ptr<LocalServer> server_;
  std::thread thread_;
};

TEST_F(LocalServerTest, hands_over_a_request_and_writes_the_answer) {
  start();
  const std::string answer = ask("GET /a/b?x=1 HTTP/1.1\r\nHost: here\r\nX-Sent: yes\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Seen: yes\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 19\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a/b x=1 here ."));
}

TEST_F(LocalServerTest, answers_several_requests_on_one_connection) {
  start();
  Client client(connect());
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_until("."), EndsWith("GET /1  h ."));
  client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_all(), AllOf(HasSubstr("GET /2  h ."), EndsWith("GET /3  h .")));
}

TEST_F(LocalServerTest, gives_the_authority_of_an_absolute_target_as_host) {
  start();
  EXPECT_THAT(ask("GET http://there/x HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"),
              EndsWith("GET /x  there ."));
}

TEST_F(LocalServerTest, buffers_a_body_that_comes_in_pieces) {
  start();
  Client client(connect());
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc");
  EXPECT_FALSE(client.readable_within(20));
  client.send("def");
  EXPECT_THAT(client.read_all(), EndsWith("POST /p  h abcdef."));
}

TEST_F(LocalServerTest, buffers_a_chunked_body) {
  start();
  EXPECT_THAT(ask("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              EndsWith("POST /p  h abcde."));
}

TEST_F(LocalServerTest, says_continue_before_it_reads_the_body) {
  start();
  Client client(connect());
  client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_THAT(client.read_all(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("POST /p  h ok.")));
}

TEST_F(LocalServerTest, refuses_a_body_that_is_announced_too_large_without_asking_for_it) {
  start({.max_body = 4});
  EXPECT_THAT(ask("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("Connection: close"), HasSubstr("{\"error\":\"")));
}

TEST_F(LocalServerTest, takes_a_body_of_exactly_the_limit_and_not_one_byte_more) {
  start({.max_body = 4});
  const std::string head = "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(ask(head + "4\r\nabcd\r\n0\r\n\r\n"), EndsWith("POST /p  h abcd."));
  EXPECT_THAT(ask(head + "4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(LocalServerTest, hands_head_over_as_get_and_keeps_the_body_back) {
  start();
  Client client(connect());
  client.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string both = client.read_all();
  EXPECT_THAT(both,
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 11\r\n"), EndsWith("GET /y  h .")));
  EXPECT_THAT(both, Not(HasSubstr("/x")));
}

TEST_F(LocalServerTest, writes_no_body_and_no_length_with_204) {
  start();
  const std::string answer = ask("GET /none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer,
              AllOf(StartsWith("HTTP/1.1 204 No Content\r\n"), Not(HasSubstr("Content-")), EndsWith("\r\n\r\n")));
}

TEST_F(LocalServerTest, writes_an_answer_that_is_larger_than_the_sockets_buffer) {
  start();
  const std::string answer = ask("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_GT(answer.size(), 4'000'000u);
  EXPECT_THAT(answer.substr(answer.size() - 4), "xEND");
}

TEST_F(LocalServerTest, answers_what_is_no_http_with_400) {
  start();
  EXPECT_THAT(ask("nonsense\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("{\"error\":\"")));
  EXPECT_THAT(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(LocalServerTest, answers_heads_beyond_the_limits_with_414_and_431) {
  start();
  EXPECT_THAT(ask("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(LocalServerTest, answers_for_itself_where_no_resource_is_meant) {
  start();
  EXPECT_THAT(ask("OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(ask("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD, POST\r\n")));
}

TEST_F(LocalServerTest, turns_an_exception_into_500_and_goes_on) {
  start();
  Client client(connect());
  client.send("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_until("}\n"), AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("broken"))));
  client.send("GET /again HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.read_until("."), EndsWith("GET /again  h ."));
}

TEST_F(LocalServerTest, turns_an_answer_that_cannot_be_sent_into_500) {
  start();
  for (const char* path : {"/status", "/header", "/length"}) {
    const std::string answer = ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 500 "), Not(HasSubstr("Injected")))) << path;
  }
}

TEST_F(LocalServerTest, serves_others_while_an_answer_is_held_back) {
  start();
  Client slow(connect());
  slow.send("GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(ask("GET /fast HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), EndsWith("GET /fast  h ."));
  EXPECT_THAT(slow.read_all(), EndsWith("\r\n\r\nslow"));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(60));
}

TEST_F(LocalServerTest, answers_an_unfinished_head_with_408_and_an_empty_one_not_at_all) {
  start({.header_timeout = milliseconds(20)});
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHo"), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(ask(""), "");
}

TEST_F(LocalServerTest, answers_an_unfinished_body_with_408) {
  start({.body_timeout = milliseconds(20)});
  EXPECT_THAT(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(LocalServerTest, closes_a_connection_that_stays_idle) {
  start({.idle_timeout = milliseconds(20)});
  EXPECT_THAT(ask("GET /x HTTP/1.1\r\nHost: h\r\n\r\n"),
              AllOf(EndsWith("GET /x  h ."), Not(HasSubstr("Connection: close"))));
}

TEST_F(LocalServerTest, who_asks_for_nothing_makes_way_for_the_next_connection) {
  start({.max_connections = 2});
  Client half(connect()), idle(connect());
  half.send("GET /he");
  idle.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(idle.read_until("."), EndsWith("GET /1  h ."));
  for (const char* path : {"/2", "/3"}) {
    EXPECT_THAT(ask(std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
                EndsWith(std::string("GET ") + path + "  h ."));
  }
  EXPECT_EQ(half.read_all(), "") << "the oldest goes first";
}

TEST_F(LocalServerTest, refuses_one_connection_too_many_while_all_are_served) {
  start({.max_connections = 1});
  Client first(connect());
  first.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_THAT(Client(connect()).read_all(), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(first.read_until("slow"), EndsWith("slow"));
  EXPECT_THAT(ask("GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), EndsWith("GET /3  h ."));
}

/// Takes every descriptor that the process may have, until destroyed.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit low{64, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(fd);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  ~NoDescriptors() {
    for (const int fd : taken_) ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

TEST_F(LocalServerTest, waits_for_a_free_descriptor_without_spinning) {
  start();
  const int fd = make_socket();
  clockid_t clock;
  ASSERT_EQ(::pthread_getcpuclockid(thread_.native_handle(), &clock), 0);
  const auto cpu_ms = [&] {
    timespec used{};
    ::clock_gettime(clock, &used);
    return used.tv_sec * 1000 + used.tv_nsec / 1'000'000;
  };
  std::optional<NoDescriptors> none(std::in_place);
  Client client(connect(fd));
  client.send("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const auto before = cpu_ms();
  EXPECT_FALSE(client.readable_within(300));
  EXPECT_LT(cpu_ms() - before, 150);
  none.reset();
  EXPECT_THAT(client.read_all(), EndsWith("GET /x  h ."));
}

TEST_F(LocalServerTest, ends_its_connections_when_it_is_destroyed) {
  start();
  Client client(connect());
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  reactor_.post([this] { server_.reset(); });
  EXPECT_EQ(client.read_all(), "");
}

}  // namespace
}  // namespace gatehouse::engine
