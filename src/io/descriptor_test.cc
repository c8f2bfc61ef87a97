#include "io/descriptor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "io/loop_test.h"
#include "io/socket.h"

namespace gatehouse::io {
namespace {

using test::turn;
using Kind = Transfer::Kind;

/// Counts the calls of one signal.
struct Count : Wait {
  Count(Reactor& of, Signal& on) : Wait([](Wait& wait) { static_cast<Count&>(wait).fire(); }), reactor(of), signal(on) {
    attach(reactor.scheduler(), &signal, nullptr, kNever);
  }
  void fire() {
    ++calls;
    attach(reactor.scheduler(), &signal, nullptr, kNever);
  }
  Reactor& reactor;
  Signal& signal;
  int calls = 0;
};

/// A descriptor under test and the plain socket at its other end.
class DescriptorTest : public testing::Test {
 protected:
  DescriptorTest() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_TRUE(descriptor_.open(reactor_, ends[0]));
    peer_ = ends[1];
    turn(reactor_);
  }
  ~DescriptorTest() override { close_peer(); }

  void close_peer() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::write(peer_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  /// Everything that has come for the peer.
  std::size_t drain_peer() {
    char bytes[65536];
    std::size_t all = 0;
    for (ssize_t got; (got = ::read(peer_, bytes, sizeof bytes)) > 0;) all += static_cast<std::size_t>(got);
    return all;
  }
  /// What one read gives: the bytes, or how it ended.
  std::string read(std::size_t size = 64) {
    std::string bytes(size, '\0');
    const Transfer got = descriptor_.read(bytes.data(), size);
    switch (got.kind) {
      case Kind::done:
        return bytes.substr(0, got.bytes);
      case Kind::blocked:
        return "<blocked>";
      case Kind::end:
        return "<end>";
      case Kind::failed:
        return "<failed " + std::to_string(got.error) + ">";
    }
    return "";
  }

  Reactor reactor_;
  Descriptor descriptor_;
  int peer_ = -1;
};

TEST_F(DescriptorTest, is_not_read_before_it_was_told_ready) {
  EXPECT_FALSE(descriptor_.can_read());
  send("hello");
  EXPECT_EQ(read(), "<blocked>") << "no system call is made on a hope";
  turn(reactor_);
  EXPECT_TRUE(descriptor_.can_read());
  EXPECT_EQ(read(), "hello");
}

TEST_F(DescriptorTest, a_short_read_means_drained_until_the_next_edge) {
  Count readable(reactor_, descriptor_.readable);
  send("one");
  turn(reactor_);
  EXPECT_EQ(read(), "one");
  EXPECT_FALSE(descriptor_.can_read());
  turn(reactor_);
  EXPECT_EQ(readable.calls, 1);
  send("two");
  turn(reactor_);
  EXPECT_EQ(readable.calls, 2);
  EXPECT_EQ(read(), "two");
}

TEST_F(DescriptorTest, a_full_read_is_followed_by_another) {
  send("abcdef");
  turn(reactor_);
  EXPECT_EQ(read(3), "abc");
  EXPECT_TRUE(descriptor_.can_read());
  EXPECT_EQ(read(3), "def");
  EXPECT_TRUE(descriptor_.can_read());
  EXPECT_EQ(read(3), "<blocked>");
  EXPECT_FALSE(descriptor_.can_read());
  send("g");
  turn(reactor_);
  EXPECT_EQ(read(3), "g");
}

TEST_F(DescriptorTest, what_is_left_unread_makes_no_second_edge_but_stays_ready) {
  Count readable(reactor_, descriptor_.readable);
  send("abcdef");
  turn(reactor_);
  EXPECT_EQ(read(2), "ab");
  turn(reactor_);
  EXPECT_EQ(readable.calls, 1);
  EXPECT_TRUE(descriptor_.can_read());
  EXPECT_EQ(read(), "cdef");
}

TEST_F(DescriptorTest, set_drained_waits_for_the_next_edge) {
  send("a");
  turn(reactor_);
  descriptor_.set_drained();
  EXPECT_EQ(read(), "<blocked>");
  send("b");
  turn(reactor_);
  EXPECT_EQ(read(), "ab");
}

TEST_F(DescriptorTest, a_full_socket_blocks_and_tells_when_there_is_room) {
  const std::string bytes(1 << 20, 'x');
  std::size_t sent = 0;
  Transfer last;
  while ((last = descriptor_.write(bytes.data(), bytes.size())).kind == Kind::done) sent += last.bytes;
  EXPECT_EQ(last.kind, Kind::blocked);
  EXPECT_FALSE(descriptor_.can_write());
  EXPECT_GT(sent, 0U);
  Count writable(reactor_, descriptor_.writable);
  turn(reactor_);
  EXPECT_EQ(writable.calls, 0) << "there is no room yet";
  EXPECT_EQ(descriptor_.write("x", 1).kind, Kind::blocked);
  EXPECT_EQ(drain_peer(), sent) << "no byte is lost or written twice";
  turn(reactor_);
  EXPECT_EQ(writable.calls, 1);
  EXPECT_EQ(descriptor_.write("x", 1).kind, Kind::done);
}

TEST_F(DescriptorTest, a_partial_write_of_parts_counts_their_bytes) {
  std::string first(1000, 'a'), second(1 << 22, 'b');
  const iovec parts[2]{{first.data(), first.size()}, {second.data(), second.size()}};
  const Transfer written = descriptor_.write(parts, 2);
  ASSERT_EQ(written.kind, Kind::done);
  EXPECT_GT(written.bytes, first.size());
  EXPECT_LT(written.bytes, first.size() + second.size());
  EXPECT_FALSE(descriptor_.can_write());
  EXPECT_EQ(descriptor_.write(parts, 2).kind, Kind::blocked);
  EXPECT_EQ(drain_peer(), written.bytes);
}

TEST_F(DescriptorTest, a_half_close_is_finished_and_not_dead) {
  Count readable(reactor_, descriptor_.readable), hangup(reactor_, descriptor_.hangup);
  send("last");
  ::shutdown(peer_, SHUT_WR);
  turn(reactor_);
  EXPECT_TRUE(descriptor_.peer_finished());
  EXPECT_FALSE(descriptor_.dead());
  EXPECT_EQ(readable.calls, 1);
  EXPECT_EQ(hangup.calls, 0);
  EXPECT_EQ(read(), "last");
  EXPECT_TRUE(descriptor_.can_read()) << "the end makes no edge of its own";
  EXPECT_EQ(read(), "<end>");
  EXPECT_EQ(read(), "<end>");
  EXPECT_EQ(descriptor_.write("answer", 6).kind, Kind::done);
  EXPECT_EQ(drain_peer(), 6U);
}

TEST_F(DescriptorTest, an_end_that_comes_after_a_short_read_is_an_edge) {
  send("last");
  turn(reactor_);
  EXPECT_EQ(read(), "last");
  EXPECT_EQ(read(), "<blocked>");
  ::shutdown(peer_, SHUT_WR);
  turn(reactor_);
  EXPECT_EQ(read(), "<end>");
}

TEST_F(DescriptorTest, an_end_that_comes_between_report_and_short_read_is_not_lost) {
  send("last");
  turn(reactor_);
  ::shutdown(peer_, SHUT_WR);  // not reported yet
  EXPECT_EQ(read(), "last");
  turn(reactor_);
  EXPECT_EQ(read(), "<end>");
}

TEST_F(DescriptorTest, a_peer_that_is_gone_hangs_up_once) {
  Count readable(reactor_, descriptor_.readable), writable(reactor_, descriptor_.writable);
  Count hangup(reactor_, descriptor_.hangup);
  send("bye");
  close_peer();
  turn(reactor_);
  turn(reactor_);
  EXPECT_TRUE(descriptor_.dead());
  EXPECT_TRUE(descriptor_.peer_finished());
  EXPECT_EQ(hangup.calls, 1);
  EXPECT_EQ(readable.calls, 1);
  EXPECT_EQ(writable.calls, 1) << "who waits to write must learn of it";
  EXPECT_EQ(read(), "bye");
  EXPECT_EQ(read(), "<end>");
  const Transfer written = descriptor_.write("x", 1);
  EXPECT_EQ(written.kind, Kind::failed);
  EXPECT_EQ(written.error, EPIPE);
}

TEST_F(DescriptorTest, one_that_was_closed_reports_no_more) {
  Count readable(reactor_, descriptor_.readable), hangup(reactor_, descriptor_.hangup);
  const int number = descriptor_.fd();
  send("late");
  descriptor_.close();
  EXPECT_FALSE(descriptor_.is_open());
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  turn(reactor_);
  EXPECT_EQ(readable.calls + hangup.calls, 0);
}

TEST_F(DescriptorTest, may_be_opened_again_and_then_knows_nothing_of_the_past) {
  close_peer();
  turn(reactor_);
  ASSERT_TRUE(descriptor_.dead());
  descriptor_.close();
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_TRUE(descriptor_.open(reactor_, ends[0]));
  peer_ = ends[1];
  turn(reactor_);
  EXPECT_FALSE(descriptor_.dead() || descriptor_.peer_finished() || descriptor_.can_read());
  send("new");
  turn(reactor_);
  EXPECT_EQ(read(), "new");
}

TEST_F(DescriptorTest, may_be_ended_by_what_its_own_turn_resumes) {
  struct Ender : Wait {
    explicit Ender(std::unique_ptr<Descriptor>& of)
        : Wait([](Wait& wait) { static_cast<Ender&>(wait).victim.reset(); }), victim(of) {}
    std::unique_ptr<Descriptor>& victim;
  };
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  auto first = std::make_unique<Descriptor>();
  auto second = std::make_unique<Descriptor>();
  ASSERT_TRUE(first->open(reactor_, ends[0]) && second->open(reactor_, ends[1]));
  turn(reactor_);
  Ender first_ends_second(second), second_ends_first(first);
  first_ends_second.attach(reactor_.scheduler(), &first->readable, nullptr, kNever);
  second_ends_first.attach(reactor_.scheduler(), &second->readable, nullptr, kNever);
  EXPECT_EQ(::write(ends[0], "x", 1), 1);
  EXPECT_EQ(::write(ends[1], "x", 1), 1);
  turn(reactor_);
  turn(reactor_);
  EXPECT_EQ(first, nullptr);
  EXPECT_EQ(second, nullptr);
}

TEST(Descriptor, what_epoll_refuses_is_closed_with_its_reason) {
  Reactor reactor;
  Descriptor descriptor;
  const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_FALSE(descriptor.open(reactor, file));
  EXPECT_EQ(errno, EPERM) << "a file is always ready";
  EXPECT_FALSE(descriptor.is_open());
  EXPECT_EQ(::fcntl(file, F_GETFD), -1);
}

TEST(Descriptor, a_reset_is_a_failure_and_not_an_end) {
  Reactor reactor;
  Descriptor descriptor;
  const int listening = listen_on(Endpoint::ip(*IpAddress::parse("127.0.0.1"), 0)).value();
  ASSERT_TRUE(descriptor.open(reactor, start_connect(local_endpoint(listening))));
  Endpoint from;
  const int accepted = accept_from(listening, from);
  ASSERT_GE(accepted, 0);
  reset_on_close(accepted);
  ::close(accepted);
  turn(reactor);
  EXPECT_TRUE(descriptor.dead());
  char byte;
  const Transfer got = descriptor.read(&byte, 1);
  EXPECT_EQ(got.kind, Kind::failed);
  EXPECT_EQ(got.error, ECONNRESET);
  ::close(listening);
}

TEST(Descriptor, a_shared_listener_tells_again_while_connections_wait) {
  Reactor reactor;
  Descriptor listener;
  const int listening = listen_on(Endpoint::ip(*IpAddress::parse("127.0.0.1"), 0)).value();
  const Endpoint address = local_endpoint(listening);
  ASSERT_TRUE(listener.open(reactor, listening, true));
  Count readable(reactor, listener.readable);
  turn(reactor);
  EXPECT_EQ(readable.calls, 0);
  const int client = start_connect(address);
  turn(reactor);
  turn(reactor);
  EXPECT_EQ(readable.calls, 2) << "level-triggered: not accepted yet";
  Endpoint peer;
  const int accepted = accept_from(listening, peer);
  EXPECT_GE(accepted, 0);
  turn(reactor);
  EXPECT_EQ(readable.calls, 2);
  ::close(client);
  ::close(accepted);
}

}  // namespace
}  // namespace gatehouse::io
