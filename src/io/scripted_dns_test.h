#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "io/loop_test.h"
#include "io/resolver.h"

namespace gatehouse::io::test {

enum class RecordType : std::uint16_t { a = 1, cname = 5, aaaa = 28 };

/// What a DNS server was asked.
struct Question {
  std::string name;
  RecordType type{};
  bool over_tcp = false;
  std::string id;    ///< two bytes, as sent
  std::string wire;  ///< the question section, as sent
};

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

/// Builds one answer to one question.
class Reply {
 public:
  explicit Reply(Question question) : question_(std::move(question)) {}

  Reply& code(unsigned code) {
    code_ = code;
    return *this;
  }
  Reply& truncated() {
    truncated_ = true;
    return *this;
  }
  /// An A or AAAA record of the name that was asked.
  Reply& address(std::string_view text, std::uint32_t ttl) { return record(kAskedName, text, ttl); }
  /// An alias of the name that was asked and the alias's address.
  Reply& alias(std::string_view label, std::uint32_t alias_ttl, std::string_view text, std::uint32_t ttl) {
    std::string name(1, static_cast<char>(label.size()));
    name.append(label).push_back('\0');
    add(kAskedName, RecordType::cname, alias_ttl, name);
    return record(name, text, ttl);
  }
  std::string bytes() const {
    std::string out = question_.id;
    out += u16(0x8180 | (truncated_ ? 0x0200 : 0) | code_);
    out += u16(1) + u16(count_) + u16(0) + u16(0);
    return out + question_.wire + records_;
  }

 private:
  static constexpr std::string_view kAskedName = "\xc0\x0c";  // a pointer to the question's name

  Reply& record(std::string_view owner, std::string_view text, std::uint32_t ttl) {
    const IpAddress address = IpAddress::parse(text).value();
    const auto* bytes = reinterpret_cast<const char*>(address.bytes().data());
    return address.is_v4() ? add(owner, RecordType::a, ttl, std::string_view(bytes + 12, 4))
                           : add(owner, RecordType::aaaa, ttl, std::string_view(bytes, 16));
  }
  Reply& add(std::string_view owner, RecordType type, std::uint32_t ttl, std::string_view data) {
    records_ += std::string(owner) + u16(static_cast<unsigned>(type)) + u16(1) + u16(ttl >> 16) + u16(ttl & 0xffff);
    records_ += u16(static_cast<unsigned>(data.size()));
    records_ += data;
    ++count_;
    return *this;
  }

  Question question_;
  unsigned code_ = 0;
  unsigned count_ = 0;
  bool truncated_ = false;
  std::string records_;
};

/// A DNS server on 127.0.0.1, UDP and TCP on one port, that answers as a test says. On the test's own reactor.
class ScriptedDns {
 public:
  /// The messages to send back, in order; none: no answer.
  using Script = std::function<std::vector<std::string>(const Question&)>;

  ScriptedDns(Reactor& reactor, Script script) : script(std::move(script)), reactor_(reactor) {
    for (int tries = 0; !bind_both(); ++tries) {
      if (tries == 20) throw std::runtime_error("no port is free for both UDP and TCP");
    }
    wait_datagram_.attach(reactor_.scheduler(), &udp_.readable, nullptr, kNever);
    wait_connection_.attach(reactor_.scheduler(), &tcp_.readable, nullptr, kNever);
  }

  /// What Resolver takes.
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked(RecordType type) const {
    const auto found = asked_.find(type);
    return found == asked_.end() ? 0 : found->second;
  }
  int asked_over_tcp() const { return asked_over_tcp_; }

  Script script;
  /// Over TCP, sends every byte by itself.
  bool drips = false;

 private:
  struct On : Wait {
    On(ScriptedDns& of, void (ScriptedDns::*what)()) : Wait(&On::fire), owner(of), call(what) {}
    static void fire(Wait& wait) {
      On& on = static_cast<On&>(wait);
      (on.owner.*on.call)();
    }
    ScriptedDns& owner;
    void (ScriptedDns::*call)();
  };
  struct Connection {
    explicit Connection(ScriptedDns& of) : wait(of, &ScriptedDns::read_connections) {}
    Descriptor socket;
    std::string received;
    On wait;
  };

  bool bind_both() {
    const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound = ::bind(tcp, generic, size) == 0 && ::getsockname(tcp, generic, &size) == 0 &&
                       ::bind(udp, generic, size) == 0 && ::listen(tcp, 8) == 0;
    if (!bound) {
      ::close(udp);
      ::close(tcp);
      return false;
    }
    port_ = ntohs(address.sin_port);
    return udp_.open(reactor_, udp) && tcp_.open(reactor_, tcp);
  }

  /// Takes apart the one question of a query; nothing is expected of the client that c-ares does not do.
  std::vector<std::string> answers_to(std::string_view query, bool over_tcp) {
    Question question;
    question.over_tcp = over_tcp;
    question.id = query.substr(0, 2);
    std::size_t at = 12;
    while (query.at(at) != '\0') {
      const auto size = static_cast<std::size_t>(query[at]);
      if (!question.name.empty()) question.name += '.';
      question.name += query.substr(at + 1, size);
      at += 1 + size;
    }
    question.wire = query.substr(12, at + 5 - 12);
    question.type = static_cast<RecordType>(static_cast<unsigned char>(query.at(at + 2)));
    ++asked_[question.type];
    asked_over_tcp_ += over_tcp;
    return script(question);
  }

  void read_datagrams() {
    wait_datagram_.attach(reactor_.scheduler(), &udp_.readable, nullptr, kNever);
    char query[512];
    sockaddr_in from{};
    for (;;) {
      socklen_t size = sizeof from;
      auto* const generic = reinterpret_cast<sockaddr*>(&from);
      const ssize_t got = ::recvfrom(udp_.fd(), query, sizeof query, 0, generic, &size);
      if (got < 0) return;
      for (const std::string& answer : answers_to(std::string_view(query, static_cast<std::size_t>(got)), false)) {
        ::sendto(udp_.fd(), answer.data(), answer.size(), 0, generic, size);
      }
    }
  }

  void accept_connections() {
    wait_connection_.attach(reactor_.scheduler(), &tcp_.readable, nullptr, kNever);
    for (;;) {
      const int fd = ::accept4(tcp_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      Connection& connection = connections_.emplace_back(*this);
      connection.socket.open(reactor_, fd);
      connection.wait.attach(reactor_.scheduler(), &connection.socket.readable, nullptr, kNever);
    }
  }

  void read_connections() {
    for (Connection& connection : connections_) {
      char bytes[512];
      for (;;) {
        const Transfer got = connection.socket.read(bytes, sizeof bytes);
        if (got.kind != Transfer::Kind::done) break;
        connection.received.append(bytes, got.bytes);
      }
      connection.wait.attach(reactor_.scheduler(), &connection.socket.readable, nullptr, kNever);
      answer_over(connection);
    }
  }

  void answer_over(Connection& connection) {
    std::string& received = connection.received;
    while (received.size() >= 2) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(received[0]) << 8 |
                                                 static_cast<unsigned char>(received[1]));
      if (received.size() < 2 + size) return;
      for (const std::string& answer : answers_to(std::string_view(received).substr(2, size), true)) {
        const std::string message = u16(static_cast<unsigned>(answer.size())) + answer;
        const std::size_t step = drips ? 1 : message.size();
        for (std::size_t at = 0; at < message.size(); at += step) {
          ::send(connection.socket.fd(), message.data() + at, step, MSG_NOSIGNAL);
        }
      }
      received.erase(0, 2 + size);
    }
  }

  Reactor& reactor_;
  std::uint16_t port_ = 0;
  Descriptor udp_, tcp_;
  std::list<Connection> connections_;
  std::map<RecordType, int> asked_;
  int asked_over_tcp_ = 0;
  On wait_datagram_{*this, &ScriptedDns::read_datagrams};
  On wait_connection_{*this, &ScriptedDns::accept_connections};
};

}  // namespace gatehouse::io::test
