#pragma once
#include <memory>
#include <string_view>

#include "base/list.h"
#include "engine/snapshot.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// Requests that a worker sends beside its exchanges, whose responses nobody waits for (mirror). Owner: the worker; its
/// thread.
class SideCalls {
 public:
  SideCalls(io::Reactor& reactor, unsigned worker) : reactor_(reactor), worker_(worker) {}
  ~SideCalls() { stop(); }
  SideCalls(const SideCalls&) = delete;
  SideCalls& operator=(const SideCalls&) = delete;

  /// As many may be under way; what comes on top is not sent.
  static constexpr unsigned kMost = 256;
  /// A response is read and dropped up to this size; then its connection is given up.
  static constexpr std::uint64_t kMostResponse = 16 * 1024 * 1024;
  /// For all of a call, where its service has no total timeout.
  static constexpr Duration kTotal = std::chrono::seconds(60);

  /// Where a copy goes.
  struct Destination {
    std::shared_ptr<upstream::Cluster> cluster;
    ResolvedTimeouts timeouts;
    std::string_view authority;  ///< Host; "" keeps the exchange's
    std::string_view base_path;
  };
  /// Sends `exchange`'s request as it is forwarded, with `body` (copied). False: too many are under way.
  bool send_copy(const Destination& to, const plugin::Exchange& exchange, std::string_view body);
  /// Gives up all that are under way.
  void stop();

 private:
  struct Call {
    Call(SideCalls& owner, const Destination& to);
    Task<void> run();
    Task<bool> send(http::ClientStream& service);
    Task<void> drop_response(http::ClientStream& service);
    Task<bool> ready(Signal& signal, Duration patience);

    /// From the loop: a call cannot destroy the frame that it runs in.
    struct End : Wait {
      explicit End(Call& of) : Wait([](Wait& wait) { delete &static_cast<End&>(wait).call; }), call(of) {}
      Call& call;
    };
    ListHook hook;
    SideCalls& owner;
    std::shared_ptr<upstream::Cluster> cluster;
    ResolvedTimeouts timeouts;
    TimePoint deadline;
    Scope scope;
    Arena arena;
    http::RequestHead head{arena};
    std::string_view target, body;
    End end{*this};
    Task<void> task;
    ~Call() { --owner.count_; }
  };

  io::Reactor& reactor_;
  unsigned worker_;
  unsigned count_ = 0;
  List<Call, &Call::hook> calls_;
};

}  // namespace gatehouse::engine
