#pragma once
#include <memory>

#include "client/h2_client.h"

namespace gatehouse::upstream {

class Endpoint;
class Pool;
class SharedPool;

/// An HTTP/2 connection of a pool. It holds a permit while it lives.
struct SharedConnection final : private client::H2Client::Watcher {
  explicit SharedConnection(SharedPool& owner);
  client::H2Client client;
  SharedPool& pool;

 private:
  friend class SharedPool;
  enum class State : std::uint8_t { connecting, ready, over };
  /// Fires when the connection has been idle for too long, or is over and nobody uses it.
  struct End : Wait {
    explicit End(SharedConnection& owner);
    SharedConnection& connection;
  };
  /// Fires when the service should have said how many streams it takes.
  struct Greeting : Wait {
    explicit Greeting(SharedConnection& owner);
    SharedConnection& connection;
  };
  void connection_changed() override;

  State state_ = State::connecting;
  bool idle_ = false;
  ListHook hook_;
  End end_;
  Greeting greeting_;
  bool late_ = false;  ///< it has not said so in time: who waits needs not wait for it
};

/// One worker's HTTP/2 connections to one endpoint: requests share them, and another is opened only when all streams of
/// those that stand are taken. Owner: its Pool, which queues who waits; the worker's thread.
class SharedPool {
 public:
  explicit SharedPool(Pool& pool) : pool_(pool) {}
  ~SharedPool();

  /// Takes a slot on a connection that has room; null if none has.
  SharedConnection* take();
  /// A connection is on its way, or stands and has not said yet how many streams it takes: who waits will share it.
  bool coming() const;
  /// A new connection for a permit that the caller holds; then connect, and say how that went.
  SharedConnection& open();
  /// It stands: the caller has a slot, and so has who waits.
  void connected(SharedConnection& connection);
  void failed(SharedConnection& connection);
  /// Ends a connection that nobody uses, so that another worker gets its permit. False if there is none.
  bool close_one();
  /// Closes what is idle, and the rest as it comes free.
  void retire();
  const Endpoint& endpoint() const;

 private:
  friend struct SharedConnection;
  void changed(SharedConnection& connection);
  void set_idle(SharedConnection& connection, bool idle);
  void close(SharedConnection& connection);

  Pool& pool_;
  List<SharedConnection, &SharedConnection::hook_> connections_;
  bool connecting_ = false;
  bool retired_ = false;
};

}  // namespace gatehouse::upstream
