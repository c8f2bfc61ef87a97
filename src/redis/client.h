#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "redis/cluster.h"
#include "redis/finder.h"
#include "redis/metrics.h"
#include "redis/node.h"

namespace gatehouse::redis {

/// `text` as the server will know it.
RedisScript make_script(std::string text);

/// One worker's way to a Redis. Connections are made by the first commands that need them. Commands that come in one
/// turn of the loop leave in one write, and are answered in the order in which they came.
///
/// Made and destroyed on any thread, while the worker does not run or after close(); everything else on the worker's.
/// It outlives all commands.
class Client {
 public:
  Client(io::Reactor& reactor, std::shared_ptr<const Options> options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends a command and gives the server's answer, in `arena`; an answer that is an error is a RedisError. It ends
  /// with `scope`. `arguments`, in the caller's hands until the end, begin with the command's name; in
  /// a cluster the second is its key.
  Task<RedisResult> command(Scope& scope, Arena& arena, Arguments arguments);
  /// Runs a script: by its hash, and by its text where the server does not know it. In a cluster all keys must be in
  /// one slot: they have a hash tag in common.
  Task<RedisResult> eval(Scope& scope, Arena& arena, const RedisScript& script, Arguments keys, Arguments arguments);

  /// The same, and nobody waits for it: what is passed in is copied. `then` is told what becomes of it, also from
  /// within this call; not when the client is closed before. False: too many such are under way, which `then` is told
  /// too.
  using Then = std::move_only_function<void(const RedisResult&)>;
  bool post(std::shared_ptr<const RedisScript> script, Arguments keys, Arguments arguments, Then then = {});
  static constexpr std::size_t kMostPosted = 4096;

  /// Closes the connections; commands that come later are `unavailable`.
  void close();

  const Counters& counters() const { return counters_; }

 private:
  struct Posted;
  Task<void> run(Posted& posted);
  Task<RedisResult> send(Scope& scope, Arena& arena, Arguments arguments, Arguments keys);

  Counters counters_;
  Finder finder_;
  std::unique_ptr<Node> node_;        ///< the server …
  std::unique_ptr<Cluster> cluster_;  ///< … or many
  std::vector<std::unique_ptr<Posted>> posted_;
  std::vector<Posted*> idle_;  ///< of these, to be used again
};

}  // namespace gatehouse::redis
