#pragma once
#include <optional>
#include <string>

#include "base/list.h"
#include "io/channel.h"
#include "io/reactor.h"
#include "io/socket.h"
#include "redis/wire.h"

namespace gatehouse::redis {

/// One connection to one server, which many commands share: they leave in one write for each turn of the loop and are
/// answered in their order. Who stops waiting leaves the order as it is: its answer is dropped when it comes.
///
/// Commands may come while the connection is being made; they are held back until release(). Owner: a Node or a
/// question to a sentinel; the reactor's thread. Can be opened again after it has ended.
class Connection {
 public:
  /// Told in the loop, never from inside a call of the owner's, that a connection ended after release(). `broken`: not
  /// because the server closed it.
  class Watcher {
   public:
    virtual void connection_lost(const char* why, bool broken) = 0;

   protected:
    ~Watcher() = default;
  };

  /// `patience`: a server that owes answers and says nothing for so long is given up.
  Connection(io::Reactor& reactor, Watcher& watcher, Duration patience);
  /// Nobody waits for an answer any more.
  ~Connection();

  /// Connects, with TLS where `peer` says so; `session` outlives the connection. "" or why it failed.
  Task<std::string_view> open(Scope& scope, const io::Endpoint& endpoint, const io::TlsPeer& peer,
                              io::TlsSession& session, TimePoint deadline);
  /// Sends `commands`, before those that are held back, in one write. The answer to the last of them, or the first
  /// error; in `arena`.
  Task<RedisResult> greet(Scope& scope, Arena& arena, std::span<const Arguments> commands, TimePoint deadline);
  /// What was held back leaves, if somebody waits for it still, and what comes leaves at once.
  void release();
  /// Ends the connection; who waits for an answer gets `unavailable` with `why`. What is held back stays.
  void close(std::string_view why);
  /// The same for what is held back.
  void give_up_held(std::string_view why);

  /// Sends `arguments` and waits for the answer, which is in `arena`. A server's error is an error. `asking`: with
  /// ASKING before it (Redis Cluster).
  Task<RedisResult> command(Scope& scope, Arena& arena, Arguments arguments, TimePoint deadline, bool asking = false);

  /// Commands without an answer so far, those that nobody waits for any more too.
  std::size_t pending() const { return pending_; }
  /// Since release() a command has been answered.
  bool has_answered() const { return answered_; }

  static constexpr std::size_t kMostUnsent = 8 * 1024 * 1024;  ///< bytes; more are `overloaded`

 private:
  static constexpr std::uint64_t kHeld = UINT64_MAX;

  struct Pending;
  /// One that waits, in its coroutine's frame.
  struct Waiter {
    explicit Waiter(Arena& of) : arena(of) {}
    ~Waiter();
    void end(const RedisResult& with);
    Arena& arena;
    Signal done;
    std::optional<RedisResult> result;
    Pending* pending = nullptr;
  };
  /// A place in the order of answers.
  struct Pending {
    static void* operator new(std::size_t size) { return BlockPool::take(size); }
    static void operator delete(void* block, std::size_t size) noexcept { BlockPool::give(block, size); }
    ~Pending();
    ListHook hook;
    Waiter* waiter = nullptr;      ///< null: nobody waits
    std::size_t size = 0;          ///< of what is sent, in bytes
    unsigned replies = 1;          ///< to come; the last is the answer
    std::uint64_t leaves = kHeld;  ///< with which of the writes
  };
  using Queue = List<Pending, &Pending::hook>;
  template <void (Connection::*Run)()>
  struct Event : Wait {
    explicit Event(Connection& of) : Wait([](Wait& wait) { (static_cast<Event&>(wait).owner.*Run)(); }), owner(of) {}
    Connection& owner;
  };

  void add(Queue& queue, std::string& bytes, Arguments arguments, Waiter& waiter, bool asking = false);
  Task<RedisResult> answer(Scope& scope, Waiter& waiter, TimePoint deadline);
  void fail(Queue& queue, std::string_view why);
  void lost(const char* why, bool broken);
  const char* words(const io::Transfer& failure) const;
  void read();
  bool take_replies();
  void write_soon();
  void write();
  void look_at_silence();
  void watch_silence();

  io::Reactor& reactor_;
  Watcher& watcher_;
  const Duration patience_;
  io::Channel socket_;
  ReplyReader replies_;
  std::string queued_, sending_, held_bytes_;
  std::size_t sent_ = 0;      ///< of sending_
  std::uint64_t writes_ = 0;  ///< begun
  Queue awaited_, held_;
  std::size_t pending_ = 0;
  TimePoint heard_{};  ///< when the server last said something, or began to owe an answer
  bool released_ = false, answered_ = false, writing_ = false;
  Event<&Connection::read> reader_{*this};
  Event<&Connection::write> writer_{*this};
  Event<&Connection::look_at_silence> silence_{*this};
};

}  // namespace gatehouse::redis
