#pragma once
#include <memory>
#include <string>
#include <vector>

#include "redis/node.h"
#include "redis/slots.h"

namespace gatehouse::redis {

/// A Redis Cluster as one worker sees it: which node has which slot, and a connection to each node that is used. Owner:
/// a Client; the reactor's thread.
class Cluster {
 public:
  /// Both outlive it.
  Cluster(Finder& finder, Counters& counters);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Sends a command to the node that has `keys`, which must be in one slot; follows where nodes send it.
  Task<RedisResult> command(Scope& scope, Arena& arena, Arguments arguments, Arguments keys);
  void close();

  static constexpr int kMostRedirections = 3;  ///< of one command
  /// Between two looks at who has what, at least.
  static constexpr Duration kRefreshPause = std::chrono::milliseconds(100);
  static constexpr std::size_t kMostNodes = 1000;

 private:
  struct Waiter {
    ListHook hook;
    Signal done;
  };
  struct Again : Wait {
    explicit Again(Cluster& of) : Wait([](Wait& wait) { static_cast<Again&>(wait).cluster.start(); }), cluster(of) {}
    Cluster& cluster;
  };

  Node* node_at(const Address& address);
  void refresh_soon();
  void start();
  Task<void> refresh();
  Task<bool> ask(Node& node);
  bool take(const RedisReply& reply, const Address& asked);
  Task<void> wait_for_map(Scope& scope);

  Finder& finder_;
  Counters& counters_;
  Scope scope_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> owners_;  ///< by slot; null: nobody. Empty while nothing is known
  Job refreshing_;
  Again again_{*this};
  bool due_ = false;  ///< again_ waits
  bool closed_ = false;
  unsigned failures_ = 0;
  TimePoint last_{};  ///< when it was last looked
  List<Waiter, &Waiter::hook> waiters_;
  std::string fault_ = "nothing is known of the cluster";
};

}  // namespace gatehouse::redis
