#include "io/socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gatehouse::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Closes what a test opened.
struct Fd {
  explicit Fd(int fd) : fd(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  operator int() const { return fd; }
  int fd;
};

Endpoint loopback(std::uint16_t port = 0) {
  return Endpoint::ip(*IpAddress::parse("127.0.0.1"), port);
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

/// Waits for the end of a connect, good or bad, and gives its error.
int outcome_of_connect(int fd) {
  pollfd asked{.fd = fd, .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&asked, 1, 20'000), 1) << "the connect does not end";
  return connect_error(fd);
}

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    char name[] = "/tmp/gatehouse-socket-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ / "x.sock";
  }
  ~UnixSocketTest() override { std::filesystem::remove_all(folder_); }
  Endpoint endpoint() const { return *Endpoint::unix_path(path_); }

  std::filesystem::path folder_, path_;
};

TEST(Endpoint, has_the_text_that_a_configuration_would_have) {
  EXPECT_EQ(loopback(80).text(), "127.0.0.1:80");
  EXPECT_EQ(Endpoint::ip(*IpAddress::parse("::1"), 8443).text(), "[::1]:8443");
  EXPECT_EQ(Endpoint::unix_path("/run/x.sock")->text(), "unix:/run/x.sock");
}

TEST(Endpoint, keeps_address_and_port) {
  const Endpoint six = Endpoint::ip(*IpAddress::parse("2001:db8::7"), 65535);
  EXPECT_EQ(six.address().text(), "2001:db8::7");
  EXPECT_EQ(six.port(), 65535);
  EXPECT_EQ(six.family(), AF_INET6);
  EXPECT_EQ(loopback(1).family(), AF_INET);
  EXPECT_EQ(loopback(1).address().text(), "127.0.0.1");
  EXPECT_EQ(Endpoint::unix_path("/x")->port(), 0);
  EXPECT_TRUE(Endpoint::unix_path("/x")->is_unix());
}

TEST(Endpoint, is_equal_where_all_of_it_is) {
  EXPECT_EQ(loopback(1), loopback(1));
  EXPECT_NE(loopback(1), loopback(2));
  EXPECT_NE(loopback(1), Endpoint::ip(*IpAddress::parse("127.0.0.2"), 1));
  EXPECT_EQ(*Endpoint::unix_path("/x"), *Endpoint::unix_path("/x"));
  EXPECT_NE(*Endpoint::unix_path("/x"), *Endpoint::unix_path("/xy"));
}

TEST(Endpoint, a_unix_path_fits_or_is_none) {
  EXPECT_FALSE(Endpoint::unix_path(""));
  const std::string longest(107, 'p');
  ASSERT_TRUE(Endpoint::unix_path(longest));
  EXPECT_EQ(Endpoint::unix_path(longest)->text(), "unix:" + longest);
  EXPECT_FALSE(Endpoint::unix_path(longest + "p"));
}

TEST(Socket, a_connection_is_accepted_without_blocking_and_without_delay) {
  const Fd listening(listen_on(loopback()).value());
  Endpoint peer;
  EXPECT_EQ(accept_from(listening, peer), -1);
  EXPECT_EQ(errno, EAGAIN);
  const Fd client(start_connect(local_endpoint(listening)));
  ASSERT_GE(client, 0);
  EXPECT_EQ(outcome_of_connect(client), 0);
  const Fd accepted(accept_from(listening, peer));
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(peer, local_endpoint(client));
  EXPECT_EQ(local_endpoint(accepted), local_endpoint(listening));
  for (const int fd : {client.fd, accepted.fd}) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  }
}

TEST(Socket, a_connect_to_a_port_where_nobody_listens_is_refused) {
  const Endpoint address = local_endpoint(Fd(listen_on(loopback()).value()));
  const Fd client(start_connect(address));
  ASSERT_GE(client, 0) << "the error comes with the end of the connect";
  EXPECT_EQ(outcome_of_connect(client), ECONNREFUSED);
}

TEST(Socket, a_listener_that_refuses_new_connections_still_gives_those_that_wait) {
  for (const std::string_view text : {"127.0.0.1", "::1"}) {
    SCOPED_TRACE(text);
    Fd listener(listen_on(Endpoint::ip(*IpAddress::parse(text), 0)).value());
    const Endpoint address = local_endpoint(listener);
    const Fd early(start_connect(address));
    ASSERT_EQ(outcome_of_connect(early), 0);
    refuse_new_connections(listener);
    const Fd late(start_connect(address));
    pollfd asked{.fd = late, .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&asked, 1, 100), 0) << "a late connection came through";
    Endpoint peer;
    const Fd accepted(accept_from(listener, peer));
    EXPECT_GE(accepted, 0);
    listener.close();
    EXPECT_EQ(outcome_of_connect(late), ECONNREFUSED);
    EXPECT_EQ(::send(early, "x", 1, 0), 1);
    char byte = 0;
    asked = {.fd = accepted, .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&asked, 1, 20'000), 1);
    EXPECT_EQ(::recv(accepted, &byte, 1, 0), 1);
  }
}

TEST(Socket, a_port_in_use_is_an_error_that_names_it) {
  const Fd first(listen_on(loopback()).value());
  const Endpoint taken = local_endpoint(first);
  const auto second = listen_on(taken);
  ASSERT_FALSE(second.has_value()) << "two listeners share a port";
  EXPECT_EQ(second.error(), "cannot listen on " + taken.text() + ": the port is already in use");
}

TEST(Socket, a_port_with_connections_of_an_earlier_listener_can_be_listened_on) {
  Fd listening(listen_on(loopback()).value());
  const Endpoint address = local_endpoint(listening);
  Fd client(start_connect(address));
  Endpoint peer;
  Fd accepted(accept_from(listening, peer));
  accepted.close();  // this end closes first and goes through TIME_WAIT
  client.close();
  listening.close();
  const auto again = listen_on(address);
  EXPECT_TRUE(again.has_value()) << again.error();
  if (again) ::close(*again);
}

TEST(Socket, an_address_of_another_machine_is_an_error_that_says_so) {
  const auto listening = listen_on(Endpoint::ip(*IpAddress::parse("192.0.2.1"), 0));
  ASSERT_FALSE(listening.has_value());
  EXPECT_THAT(listening.error(), AllOf(HasSubstr("192.0.2.1:0"), HasSubstr("assign")));
}

TEST(Socket, an_ipv6_listener_leaves_ipv4_to_others) {
  const auto listening = listen_on(Endpoint::ip(*IpAddress::parse("::1"), 0));
  if (!listening) GTEST_SKIP() << "no IPv6 here: " << listening.error();
  EXPECT_EQ(option(*listening, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  ::close(*listening);
}

TEST(Socket, a_listening_socket_is_recognised_by_its_address) {
  const Fd listening(listen_on(loopback()).value());
  const Endpoint address = local_endpoint(listening);
  EXPECT_TRUE(is_listening_on(listening, address));
  EXPECT_FALSE(is_listening_on(listening, loopback(static_cast<std::uint16_t>(address.port() ^ 1))));
  const Fd client(start_connect(address));
  EXPECT_FALSE(is_listening_on(client, local_endpoint(client))) << "it is bound and does not listen";
  EXPECT_FALSE(is_listening_on(-1, address));
}

TEST(Socket, a_reset_reaches_the_peer_as_an_error) {
  const Fd listening(listen_on(loopback()).value());
  const Fd client(start_connect(local_endpoint(listening)));
  Endpoint peer;
  Fd accepted(accept_from(listening, peer));
  reset_on_close(accepted);
  accepted.close();
  pollfd asked{.fd = client, .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&asked, 1, 20'000), 1);
  char byte;
  EXPECT_EQ(::read(client, &byte, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(UnixSocketTest, connects_and_knows_no_address_of_the_peer) {
  const Fd listening(listen_on(endpoint()).value());
  EXPECT_TRUE(is_listening_on(listening, endpoint()));
  const Fd client(start_connect(endpoint()));
  ASSERT_GE(client, 0);
  EXPECT_EQ(outcome_of_connect(client), 0);
  Endpoint peer;
  const Fd accepted(accept_from(listening, peer));
  ASSERT_GE(accepted, 0);
  EXPECT_TRUE(peer.is_unix());
  EXPECT_TRUE(peer.address().unspecified());
}

TEST_F(UnixSocketTest, a_path_that_nobody_serves_any_more_is_replaced) {
  ::close(listen_on(endpoint()).value());
  ASSERT_TRUE(std::filesystem::is_socket(path_)) << "the file outlives its process";
  const auto again = listen_on(endpoint());
  ASSERT_TRUE(again.has_value()) << again.error();
  const Fd listening(*again);
  const Fd client(start_connect(endpoint()));
  EXPECT_EQ(outcome_of_connect(client), 0);
}

TEST_F(UnixSocketTest, a_path_that_is_served_is_left_alone) {
  const Fd first(listen_on(endpoint()).value());
  const auto second = listen_on(endpoint());
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), AllOf(HasSubstr(path_.string()), HasSubstr("another process listens on it")));
  const Fd client(start_connect(endpoint()));
  EXPECT_EQ(outcome_of_connect(client), 0) << "the first still serves";
}

TEST_F(UnixSocketTest, a_path_whose_queue_is_full_is_served_too) {
  const Fd first(listen_on(endpoint(), 0).value());
  std::vector<std::unique_ptr<Fd>> clients;
  int refused = 0;
  for (int i = 0; i < 10 && refused != EAGAIN; ++i) {
    clients.push_back(std::make_unique<Fd>(start_connect(endpoint())));
    refused = *clients.back() < 0 ? errno : 0;
  }
  ASSERT_EQ(refused, EAGAIN) << "the queue does not fill";
  EXPECT_FALSE(listen_on(endpoint()).has_value());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, a_file_that_is_no_socket_is_never_removed) {
  std::ofstream(path_) << "precious";
  const auto listening = listen_on(endpoint());
  ASSERT_FALSE(listening.has_value());
  EXPECT_THAT(listening.error(), HasSubstr("there is a file of that name"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(UnixSocketTest, a_folder_that_does_not_exist_is_an_error_that_says_so) {
  const auto listening = listen_on(*Endpoint::unix_path(folder_ / "no" / "x.sock"));
  ASSERT_FALSE(listening.has_value());
  EXPECT_THAT(listening.error(), HasSubstr("No such file"));
  EXPECT_EQ(start_connect(*Endpoint::unix_path(folder_ / "no" / "x.sock")), -1);
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace gatehouse::io
