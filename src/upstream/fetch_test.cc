#include "upstream/fetch.h"

#include <gtest/gtest.h>

#include <optional>

#include "io/scripted_dns_test.h"

namespace gatehouse::upstream {
namespace {

using namespace std::chrono_literals;
using io::test::Question;
using io::test::RecordType;
using io::test::Reply;

/// A listener on an address of this machine; `port` 0 takes one.
int listen_on(std::uint32_t address, std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(address);
  at.sin_port = htons(port);
  socklen_t size = sizeof at;
  auto* const generic = reinterpret_cast<sockaddr*>(&at);
  if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0 || ::listen(fd, 8) != 0) {
    ::close(fd);
    return -1;
  }
  port = ntohs(at.sin_port);
  return fd;
}

TEST(Fetch, leaves_time_for_the_addresses_behind_one_that_does_not_answer) {
  std::uint16_t port = 0;
  const int silent = listen_on(INADDR_LOOPBACK, port), other = listen_on(INADDR_LOOPBACK + 1, port);
  ASSERT_GE(silent, 0);
  if (other < 0) GTEST_SKIP() << "127.0.0.2 is not this machine's";
  io::Reactor reactor;
  io::test::ScriptedDns server(reactor, [](const Question& question) {
    Reply reply(question);
    if (question.type == RecordType::a) reply.address("127.0.0.1", 60).address("127.0.0.2", 60);
    return std::vector<std::string>{reply.bytes()};
  });
  io::Resolver resolver(reactor, server.address());
  Scope scope(reactor.scheduler());
  std::vector<io::TlsFileFault> faults;
  FetchRequest request{*config::parse_http_url("https://keys.test:" + std::to_string(port) + "/"),
                       io::TlsClient::make({}, faults), reactor.now() + 4s};
  ASSERT_NE(request.tls, nullptr);
  std::optional<std::expected<Fetched, std::string>> got;
  const auto run = [](auto& to, auto& on, auto& names, auto& within, const auto& what) -> Task<void> {
    to = co_await fetch(on, names, within, what);
  };
  Job job;
  job.start(run(got, reactor, resolver, scope, request));
  while (!got) {
    io::test::run_for(reactor, 5ms);
    // It answers, but not with TLS.
    const int connection = ::accept4(other, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    EXPECT_EQ(::write(connection, "HTTP/1.1 400 Bad Request\r\n\r\n", 28), 28);
    ::close(connection);
  }
  ASSERT_FALSE(got->has_value());
  EXPECT_NE(got->error(), "it took too long");
  ::close(silent);
  ::close(other);
}

}  // namespace
}  // namespace gatehouse::upstream
