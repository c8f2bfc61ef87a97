#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace gatehouse::test {

/// A redis-server of the test's own, on a free port of 127.0.0.1 and on a Unix socket, with its files in a directory of
/// its own. It keeps nothing on disk. The destructor ends it. $GATEHOUSE_REDIS_SERVER names another program that takes
/// the same configuration.
class RedisServer {
 public:
  /// `lines` are added to its configuration ("requirepass secret"); @dir@ in them is its directory.
  /// `sentinel`: as a sentinel.
  explicit RedisServer(std::vector<std::string> lines = {}, bool sentinel = false);
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Whether the machine has the programs.
  static bool installed();

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string unix_path() const { return dir_.file("redis.sock"); }
  const TempDir& dir() const { return dir_; }
  Process& process() { return *process_; }

  /// What redis-cli prints for a command, without its last newline; `options` come before it ("-a", "secret").
  std::string cli(const std::vector<std::string>& command, const std::vector<std::string>& options = {}) const;
  /// Asks until the answer contains `text`; false if it does not in time.
  bool wait_cli(const std::vector<std::string>& command, std::string_view text,
                const Deadline& deadline = Deadline()) const;

  /// SIGKILL, and waits for its end.
  void kill();
  /// Starts it again where it was.
  void start();

 private:
  const bool sentinel_;
  TempDir dir_;
  std::uint16_t port_;
  std::unique_ptr<Process> process_;
};

/// A master and a replica with sentinels that fail over within about a second.
class RedisSentinels {
 public:
  explicit RedisSentinels(const std::vector<std::string>& lines = {});

  static constexpr const char* kMaster = "themaster";
  RedisServer& master() { return *servers_[0]; }
  RedisServer& replica() { return *servers_[1]; }
  std::vector<std::string> addresses() const;
  std::vector<std::unique_ptr<RedisServer>>& sentinels() { return sentinels_; }

 private:
  std::vector<std::unique_ptr<RedisServer>> servers_, sentinels_;
};

/// A Redis Cluster of three masters, each with a third of the slots.
class RedisCluster {
 public:
  RedisCluster();

  RedisServer& node(std::size_t index) { return *nodes_[index]; }
  std::string id(std::size_t index) const { return nodes_[index]->cli({"CLUSTER", "MYID"}); }
  /// Which node has the slot of `key`.
  std::size_t owner(std::string_view key) const;
  std::vector<std::string> addresses() const;
  bool ready() const { return ready_; }

 private:
  std::vector<std::unique_ptr<RedisServer>> nodes_;
  bool ready_ = false;
};

}  // namespace gatehouse::test
