#pragma once
#include <string>

#include "base/random.h"
#include "redis/connection.h"
#include "redis/metrics.h"
#include "redis/options.h"

namespace gatehouse::redis {

class Finder;

/// One server and this worker's connection to it: made by the first command, made again when it is lost. Owner: a
/// Client; the reactor's thread.
class Node final : private Connection::Watcher {
 public:
  /// At `address`, or where `finder`'s sentinels say that the master is. All outlive the node.
  Node(Finder& finder, Counters& counters, Address address);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const Address& address() const { return address_; }
  /// Sends a command; the answer is in `arena`. While a first connection is being made it waits for that; while the
  /// server is known to be down it fails at once.
  Task<RedisResult> command(Scope& scope, Arena& arena, Arguments arguments, bool asking = false);
  /// Closes the connection, without another.
  void close();
  /// No command is under way.
  bool idle() const { return users_ == 0; }
  bool down() const { return state_ == State::down; }

  /// How long to wait after that many attempts that failed: doubled from the first to the last, and cut by up to a half
  /// at random.
  static Duration pause(unsigned failures, Random& random);
  static constexpr Duration kFirstPause = std::chrono::milliseconds(100), kLastPause = std::chrono::seconds(2);
  /// A server that owes answers is given up when it has said nothing for so many timeouts.
  static constexpr int kPatience = 3;

 private:
  enum class State : std::uint8_t { idle, connecting, ready, down, closed };
  struct Retry : Wait {
    explicit Retry(Node& of) : Wait([](Wait& wait) { static_cast<Retry&>(wait).node.connect(); }), node(of) {}
    Node& node;
  };

  struct User {
    explicit User(Node& of) : node(of) { ++node.users_; }
    ~User() { --node.users_; }
    Node& node;
  };

  void connection_lost(const char* why, bool broken) override;
  void connect();
  Task<void> attempt();
  Task<std::string> establish();
  Task<std::string> greet();
  void failed(std::string why);
  std::string name() const;
  RedisError down_error(Arena& arena) const;

  Finder& finder_;
  Counters& counters_;
  Address address_;
  io::TlsSession session_;  ///< before the connection that leaves something there
  Connection connection_;
  Scope scope_;  ///< of the attempts
  Job attempt_;
  Retry retry_{*this};
  State state_ = State::idle;
  TimePoint since_{};      ///< when the connection was made
  unsigned failures_ = 0;  ///< since a connection that was good: it answered, and did not break at once
  std::size_t users_ = 0;
  std::string fault_;  ///< why it is down
};

}  // namespace gatehouse::redis
