#pragma once
#include <gmock/gmock.h>
#include <unistd.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/loop_test.h"
#include "upstream/cluster.h"

namespace gatehouse::upstream::test {

inline io::Endpoint loopback(std::uint16_t port = 0) {
  return io::Endpoint::ip(*IpAddress::parse("127.0.0.1"), port);
}

/// An address where nobody listens.
inline io::Endpoint dead_address() {
  const int fd = io::listen_on(loopback()).value();
  const io::Endpoint address = io::local_endpoint(fd);
  ::close(fd);
  return address;
}

/// A service on 127.0.0.1 that answers every request without a body, on the reactor of whoever drives it.
class Service {
 public:
  explicit Service(io::Reactor& reactor) : reactor_(reactor) {
    EXPECT_TRUE(listener_.open(reactor, io::listen_on(loopback()).value()));
    address_ = io::local_endpoint(listener_.fd());
    accepting_.attach(reactor.scheduler(), &listener_.readable, nullptr, kNever);
  }

  const io::Endpoint& address() const { return address_; }
  int accepted() const { return accepted_; }
  int open() const { return static_cast<int>(connections_.size()); }
  /// Sends on every connection, unasked.
  void send_to_all(std::string_view bytes) {
    for (Connection& connection : connections_) connection.socket.write(bytes.data(), bytes.size());
  }
  void close_all() { connections_.clear(); }

 private:
  struct Accepting : Wait {
    explicit Accepting(Service& of)
        : Wait([](Wait& wait) { static_cast<Accepting&>(wait).service.accept(); }), service(of) {}
    Service& service;
  };
  struct Connection : Wait {
    explicit Connection(Service& of)
        : Wait([](Wait& wait) { static_cast<Connection&>(wait).service.answer(static_cast<Connection&>(wait)); }),
          service(of) {}
    Service& service;
    io::Descriptor socket;
    std::string received;
    std::list<Connection>::iterator self;
  };

  void accept() {
    accepting_.attach(reactor_.scheduler(), &listener_.readable, nullptr, kNever);
    io::Endpoint peer;
    for (int fd; (fd = io::accept_from(listener_.fd(), peer)) >= 0;) {
      Connection& connection = connections_.emplace_back(*this);
      connection.self = std::prev(connections_.end());
      ++accepted_;
      EXPECT_TRUE(connection.socket.open(reactor_, fd));
      connection.attach(reactor_.scheduler(), &connection.socket.readable, nullptr, kNever);
    }
  }

  void answer(Connection& connection) {
    char bytes[4096];
    io::Transfer got;
    while ((got = connection.socket.read(bytes, sizeof bytes)).kind == io::Transfer::Kind::done) {
      connection.received.append(bytes, got.bytes);
    }
    for (std::size_t end; (end = connection.received.find("\r\n\r\n")) != std::string::npos;) {
      connection.received.erase(0, end + 4);
      constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      connection.socket.write(kAnswer.data(), kAnswer.size());
    }
    if (got.kind != io::Transfer::Kind::blocked) {
      connections_.erase(connection.self);
      return;
    }
    connection.attach(reactor_.scheduler(), &connection.socket.readable, nullptr, kNever);
  }

  io::Reactor& reactor_;
  io::Descriptor listener_;
  io::Endpoint address_;
  Accepting accepting_{*this};
  std::list<Connection> connections_;
  int accepted_ = 0;
};

/// One exchange's way to a connection, as the forwarding action goes it.
class Attempt {
 public:
  Attempt(Cluster& cluster, unsigned worker, io::Reactor& reactor, AcquireLimits limits = {}, bool fresh = false)
      : scope(reactor.scheduler()) {
    job_.start(run(cluster, worker, limits, fresh));
  }

  bool done() const { return result_.has_value(); }
  bool connected() const { return done() && result_->has_value(); }
  Reason reason() const { return done() && !*result_ ? result_->error().reason : Reason::none; }
  const Error& error() const { return result_->error(); }
  Lease& lease() { return **result_; }

  Scope scope;

 private:
  Task<void> run(Cluster& cluster, unsigned worker, AcquireLimits limits, bool fresh) {
    Cluster::Choice choice;
    if (!fresh) {
      if (Lease idle = cluster.try_reuse(worker, choice)) {
        result_.emplace(std::move(idle));
        co_return;
      }
    }
    result_.emplace(co_await cluster.acquire(worker, choice, limits, scope, fresh));
  }

  std::optional<Result<Lease>> result_;
  Job job_;
};

/// One target that is one address.
inline TargetSet::Target target_of(std::shared_ptr<Endpoint> endpoint, std::uint32_t weight = 1) {
  return {.weight = weight, .addresses = {std::move(endpoint)}};
}

/// Two workers, driven in turn by the test's own thread, and a service behind a cluster.
class TwoWorkers : public testing::Test {
 protected:
  TwoWorkers() { use({target_of(endpoint_)}); }

  void use(std::vector<TargetSet::Target> targets) {
    const auto set = std::make_shared<const TargetSet>(std::move(targets));
    for (unsigned worker : {0U, 1U}) cluster_.use(worker, set);
  }
  static config::Pool caps(std::uint32_t connections, std::uint32_t idle = 256, std::uint32_t queue = 1024) {
    return {.max_connections = connections, .max_idle = idle, .queue = queue};
  }
  std::shared_ptr<Endpoint> endpoint_at(const io::Endpoint& address) {
    auto made = std::make_shared<Endpoint>("shop", address, false, io::TlsPeer{},
                                           std::vector<io::Reactor*>{&reactors_[0], &reactors_[1]});
    made->configure({});
    return made;
  }

  /// Turns both loops until nothing more can happen in them by itself.
  void settle() {
    for (int i = 0; i < 12; ++i) {
      io::test::turn(reactors_[0]);
      io::test::turn(reactors_[1]);
    }
  }
  /// Lets time pass at once.
  void pass(Duration time) {
    for (io::Reactor& reactor : reactors_) reactor.scheduler().advance(reactor.now() + time);
    settle();
  }

  std::unique_ptr<Attempt> attempt(unsigned worker = 0, AcquireLimits limits = {}, bool fresh = false) {
    auto made = std::make_unique<Attempt>(cluster_, worker, reactors_[worker], limits, fresh);
    settle();
    return made;
  }
  /// A whole exchange on `attempt`'s connection, which goes back to its pool.
  void serve(Attempt& attempt) {
    ASSERT_TRUE(attempt.connected()) << to_string(attempt.reason());
    Arena arena;
    start_exchange(attempt.lease().stream(), arena);
    http::ResponseHead head(arena);
    settle();
    EXPECT_EQ(attempt.lease().stream().read_head(head), http::Io::done);
    EXPECT_EQ(head.status, 200);
    attempt.lease().give_back();
  }
  /// Gives the connection back before an exchange was complete.
  static void spoil(Attempt& attempt) {
    ASSERT_TRUE(attempt.connected()) << to_string(attempt.reason());
    attempt.lease().give_back();
  }
  static void start_exchange(client::H1Client& stream, Arena& arena) {
    http::RequestHead request(arena);
    request.method = http::Method::get;
    request.method_text = "GET";
    stream.begin(arena, request.method);
    EXPECT_EQ(stream.write_head(request, "/", "", true), http::Io::done);
  }
  /// Permits that are free.
  static int free_permits(Endpoint& endpoint) {
    int taken = 0;
    while (endpoint.take_permit()) ++taken;
    for (int i = 0; i < taken; ++i) endpoint.drop_permit();
    return taken;
  }
  Pool& pool(unsigned worker = 0) { return endpoint_->pool(worker); }

  io::Reactor reactors_[2];
  Service service_{reactors_[0]};
  Cluster cluster_{"shop", 2};
  std::shared_ptr<Endpoint> endpoint_ = endpoint_at(service_.address());
};

}  // namespace gatehouse::upstream::test
