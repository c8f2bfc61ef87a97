#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/list.h"
#include "base/scheduler.h"
#include "client/h1_client.h"
#include "config/model.h"
#include "io/reactor.h"
#include "io/socket.h"
#include "upstream/shared_pool.h"

namespace gatehouse::upstream {

class Endpoint;
class Pool;

/// A connection of a pool, idle in it or lent out.
struct Connection {
  /// While idle: whatever the service sends, or the end of the idle time, closes the connection.
  struct IdleWatch : Wait {
    explicit IdleWatch(Connection& owner) : Wait(&fired), connection(owner) {}
    static void fired(Wait& wait);
    void start(TimePoint due);
    Connection& connection;
    TimePoint due_ = kNever;
  };

  explicit Connection(Pool& owner) : idle_watch(*this), pool(owner) {}
  client::H1Client stream;
  ListHook hook;  ///< in the pool's idle list
  IdleWatch idle_watch;
  Pool& pool;
};

/// A connection lent to one exchange, or a slot on one that is shared. Destroying it gives that back: to the pool if it
/// can carry another exchange, else the connection is closed.
class Lease {
 public:
  Lease() = default;
  explicit Lease(Connection& connection) : connection_(&connection) {}
  explicit Lease(SharedConnection& shared) : shared_(&shared) {}
  Lease(Lease&& other) noexcept { take(other); }
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      give_back();
      take(other);
    }
    return *this;
  }
  ~Lease() { give_back(); }

  explicit operator bool() const { return connection_ != nullptr || shared_ != nullptr; }
  /// Starts the exchange, once; `arena` outlives the lease.
  http::ClientStream& begin(Arena& arena, http::Method method);
  /// The connection of its own, where it is not shared.
  client::H1Client& stream() const { return connection_->stream; }
  const Endpoint& endpoint() const;
  void give_back();

 private:
  void take(Lease& other) {
    connection_ = std::exchange(other.connection_, nullptr);
    shared_ = std::exchange(other.shared_, nullptr);
    stream_ = std::exchange(other.stream_, nullptr);
  }
  Connection* connection_ = nullptr;
  SharedConnection* shared_ = nullptr;
  http::ClientStream* stream_ = nullptr;  ///< on the shared connection
};

/// One exchange that waits for a connection or for leave to open one.
struct Waiter {
  explicit Waiter(Pool& owner);
  ~Waiter();
  ListHook hook;
  Signal granted;
  Connection* connection = nullptr;    ///< given: this connection …
  SharedConnection* shared = nullptr;  ///< … or a slot on this one …
  bool permit = false;                 ///< … or the right to open one
  bool granted_anything() const { return connection != nullptr || shared != nullptr || permit; }
  Pool& pool;
};

/// One worker's connections to one endpoint. Owner: its Endpoint; used on the worker's thread alone.
class Pool {
 public:
  Pool(Endpoint& endpoint, io::Reactor& reactor, unsigned worker)
      : endpoint_(endpoint), reactor_(reactor), worker_(worker), shared_(*this) {}
  /// Closes what is idle. Nothing is lent out, and the worker's thread has ended or retired the pool.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// An idle connection, the one used last, or null.
  Connection* take_idle();
  /// A new connection object for a permit that the caller holds; connect() is the caller's.
  Connection* open();
  void give_back(Connection& connection);
  /// Closes a connection that is not idle and gives its permit on.
  void discard(Connection& connection);
  /// Gives up a permit: to one who waits here, else to the process.
  void give_permit();
  /// What the next TLS connection resumes.
  io::TlsSession& tls_session() { return tls_session_; }
  /// HTTP/2's connections, of an endpoint that speaks it.
  SharedPool& shared() { return shared_; }
  /// Gives a slot on `connection` to who has waited longest; false if nobody waits.
  bool grant(SharedConnection& connection);

  /// HTTP/2: lets the first of those who wait open a connection, if those that stand have no room and none is coming.
  void open_another();

  /// Another worker gave up a permit, or wants one.
  void on_permit_free();
  void on_permit_wanted();
  /// The endpoint is no longer used: closes what is idle, and runs `then` once nothing is lent out.
  void retire(std::move_only_function<void()> then);

  io::Reactor& reactor() const { return reactor_; }
  Endpoint& endpoint() const { return endpoint_; }
  unsigned worker() const { return worker_; }

  std::atomic<std::uint32_t> waiting{0};  ///< this worker's queue; read by others to know whom to wake
  std::atomic<std::uint32_t> idle_count{0}, open_count{0};
  std::atomic<std::uint64_t> opened{0}, reused{0};

 private:
  friend struct Waiter;
  friend struct Connection;
  friend class SharedPool;
  void close_idle(Connection& connection);
  void close(Connection& connection);
  void check_retired();
  std::uint32_t idle_share() const;

  Endpoint& endpoint_;
  io::Reactor& reactor_;
  unsigned worker_;
  io::TlsSession tls_session_;  ///< before the connections that leave something there
  List<Connection, &Connection::hook> idle_;
  List<Waiter, &Waiter::hook> waiters_;
  SharedPool shared_;
  bool retired_ = false;
  std::move_only_function<void()> on_retired_;
};

/// One address of one service, shared by all workers. It outlives configurations: a reload that keeps the address keeps
/// its connections. The caps hold for the whole process: a connection is opened with a permit, and an idle one keeps
/// it.
///
/// No wake-up is lost: who waits counts itself in the queue and then looks for a permit and for idle connections of
/// others; who gives up a permit or keeps a connection idle does so and then looks for who waits. All of these are
/// sequentially consistent, so that at least one of the two sees the other.
class Endpoint {
 public:
  /// `http2`: what the service speaks, without being asked. `tls`: whether and how it is protected.
  Endpoint(std::string service, const io::Endpoint& address, bool http2, io::TlsPeer tls,
           const std::vector<io::Reactor*>& workers);

  const std::string& service() const { return service_; }
  const io::Endpoint& address() const { return address_; }
  const std::string& text() const { return text_; }  ///< "10.0.0.1:80": the `target` of the log
  bool http2() const { return http2_; }
  const io::TlsPeer& tls() const { return tls_; }
  Pool& pool(unsigned worker) const { return *pools_[worker]; }
  unsigned workers() const { return static_cast<unsigned>(pools_.size()); }

  /// Sets what a (new) configuration says. Control thread; workers see it at their next look.
  void configure(const config::Pool& settings);
  std::uint32_t max_idle() const { return max_idle_.load(std::memory_order_relaxed); }
  std::uint32_t max_queue() const { return max_queue_.load(std::memory_order_relaxed); }
  Duration idle_timeout() const { return Duration(idle_timeout_.load(std::memory_order_relaxed)); }
  Duration queue_timeout() const { return Duration(queue_timeout_.load(std::memory_order_relaxed)); }

  bool take_permit();
  /// More connections are open than a reload allows now.
  bool over_cap() const {
    return permits_.load(std::memory_order_relaxed) > max_connections_.load(std::memory_order_relaxed);
  }
  void drop_permit() { permits_.fetch_sub(1, std::memory_order_seq_cst); }
  /// Counts one more in the queue of all workers; false if it is full.
  bool enter_queue();
  void leave_queue() { queued_.fetch_sub(1, std::memory_order_relaxed); }
  /// Whether other workers than `self` have requests waiting.
  bool contended(unsigned self) const;
  /// Tells other workers than `self` that a permit is free (if they wait) or wanted.
  void announce_free(unsigned self);
  void announce_wanted(unsigned self);

 private:
  std::string service_;
  io::Endpoint address_;
  bool http2_;
  io::TlsPeer tls_;
  std::string text_;
  std::atomic<std::uint32_t> max_connections_{1024}, max_idle_{256}, max_queue_{1024};
  std::atomic<std::int64_t> idle_timeout_{0}, queue_timeout_{0};
  alignas(64) std::atomic<std::uint32_t> permits_{0};
  std::atomic<std::uint32_t> queued_{0};
  std::vector<std::unique_ptr<Pool>> pools_;
};

inline void Lease::give_back() {
  if (connection_ != nullptr) {
    Connection& connection = *std::exchange(connection_, nullptr);
    connection.pool.give_back(connection);
  } else if (shared_ != nullptr) {
    std::exchange(shared_, nullptr)->client.release(std::exchange(stream_, nullptr));
  }
}

}  // namespace gatehouse::upstream
