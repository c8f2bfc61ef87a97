#include "support/redis_server.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace gatehouse::test {

namespace {

constexpr const char* kCli = "/usr/bin/redis-cli";

const char* server_program() {
  const char* const other = std::getenv("GATEHOUSE_REDIS_SERVER");
  return other != nullptr ? other : "/usr/bin/redis-server";
}

void replace(std::string& in, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = in.find(what, at)) != std::string::npos; at += with.size()) {
    in.replace(at, what.size(), with);
  }
}

}  // namespace

bool RedisServer::installed() {
  return ::access(server_program(), X_OK) == 0 && ::access(kCli, X_OK) == 0;
}

RedisServer::RedisServer(std::vector<std::string> lines, bool sentinel) : sentinel_(sentinel), port_(free_port()) {
  std::string config = "bind 127.0.0.1\nport " + std::to_string(port_) + "\nunixsocket " + unix_path() + "\ndir " +
                       dir_.path() + "\nprotected-mode no\ndaemonize no\n";
  if (!sentinel_) config += "save \"\"\nappendonly no\n";
  for (std::string& line : lines) {
    replace(line, "@dir@", dir_.path());
    config += line + '\n';
  }
  dir_.write("redis.conf", config);
  start();
}

void RedisServer::start() {
  std::vector<std::string> arguments{server_program(), dir_.file("redis.conf")};
  if (sentinel_) arguments.emplace_back("--sentinel");
  process_ = std::make_unique<Process>(std::move(arguments));
  const Deadline deadline(kPatience * 2);
  while (!deadline.passed() && process_->running()) {
    if (const Fd probe = connect_unix(unix_path())) {
      std::string answer;
      if (write_all(probe.get(), "PING\r\n", deadline)) read_some(probe.get(), answer, deadline);
      if (!answer.empty() && !answer.starts_with("-LOADING")) return;
    }
    process_->pause(Millis(5));
  }
  ADD_FAILURE() << server_program() << " does not start: " << process_->out() << process_->err();
}

void RedisServer::kill() {
  process_->signal(SIGKILL);
  process_->wait_exit();
}

std::string RedisServer::cli(const std::vector<std::string>& command, const std::vector<std::string>& options) const {
  std::vector<std::string> all{kCli, "-s", unix_path()};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), command.begin(), command.end());
  std::string out = run_program(std::move(all)).out;
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

bool RedisServer::wait_cli(const std::vector<std::string>& command, std::string_view text,
                           const Deadline& deadline) const {
  while (!cli(command).contains(text)) {
    if (deadline.passed()) return false;
    process_->pause(Millis(10));
  }
  return true;
}

// ---- several ----

RedisSentinels::RedisSentinels(const std::vector<std::string>& lines) {
  std::vector<std::string> leads = lines;
  leads.emplace_back("repl-diskless-sync-delay 0");
  servers_.push_back(std::make_unique<RedisServer>(leads));
  std::vector<std::string> follows = leads;
  follows.push_back("replicaof 127.0.0.1 " + std::to_string(master().port()));
  follows.emplace_back("repl-diskless-load on-empty-db");
  servers_.push_back(std::make_unique<RedisServer>(follows));
  EXPECT_TRUE(replica().wait_cli({"INFO", "replication"}, "master_link_status:up", Deadline(kPatience * 4)));
  for (int i = 0; i < 2; ++i) {
    const std::string name = kMaster;
    sentinels_.push_back(std::make_unique<RedisServer>(
        std::vector<std::string>{
            "sentinel monitor " + name + " 127.0.0.1 " + std::to_string(master().port()) + " 1",
            "sentinel down-after-milliseconds " + name + " 300",
            "sentinel failover-timeout " + name + " 3000",
        },
        true));
  }
  // A failover needs to know of the replica, and a majority of the sentinels of each other.
  for (const auto& sentinel : sentinels_) {
    const Deadline deadline(kPatience * 4);
    EXPECT_TRUE(sentinel->wait_cli({"SENTINEL", "replicas", kMaster}, std::to_string(replica().port()), deadline));
    EXPECT_TRUE(sentinel->wait_cli({"SENTINEL", "sentinels", kMaster}, "127.0.0.1", deadline));
  }
}

std::vector<std::string> RedisSentinels::addresses() const {
  std::vector<std::string> all;
  for (const auto& sentinel : sentinels_) all.push_back(sentinel->address());
  return all;
}

RedisCluster::RedisCluster() {
  constexpr int kNodes = 3, kSlots = 16384;
  for (int i = 0; i < kNodes; ++i) {
    // The bus' port would be the port and 10,000, which may be somebody else's.
    nodes_.push_back(std::make_unique<RedisServer>(
        std::vector<std::string>{"cluster-enabled yes", "cluster-config-file nodes.conf", "cluster-node-timeout 2000",
                                 "cluster-port " + std::to_string(free_port())}));
  }
  for (int i = 0; i < kNodes; ++i) {
    const int from = i * kSlots / kNodes, to = (i + 1) * kSlots / kNodes - 1;
    nodes_[static_cast<std::size_t>(i)]->cli({"CLUSTER", "ADDSLOTSRANGE", std::to_string(from), std::to_string(to)});
    nodes_[static_cast<std::size_t>(i)]->cli({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
  }
  for (int i = 1; i < kNodes; ++i) {
    const std::string info = nodes_[static_cast<std::size_t>(i)]->cli({"CONFIG", "GET", "cluster-port"});
    const std::string bus = info.substr(info.rfind('\n') + 1);
    nodes_[0]->cli({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[static_cast<std::size_t>(i)]->port()), bus});
  }
  ready_ = true;
  for (const auto& node : nodes_) {
    ready_ = ready_ && node->wait_cli({"CLUSTER", "INFO"}, "cluster_state:ok", Deadline(kPatience * 4));
  }
  EXPECT_TRUE(ready_) << nodes_[0]->cli({"CLUSTER", "NODES"});
}

std::size_t RedisCluster::owner(std::string_view key) const {
  const int slot = std::atoi(nodes_[0]->cli({"CLUSTER", "KEYSLOT", std::string(key)}).c_str());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (slot < static_cast<int>((i + 1) * 16384 / nodes_.size())) return i;
  }
  return 0;
}

std::vector<std::string> RedisCluster::addresses() const {
  std::vector<std::string> all;
  for (const auto& node : nodes_) all.push_back(node->address());
  return all;
}

}  // namespace gatehouse::test
