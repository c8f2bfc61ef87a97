#pragma once
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/random.h"
#include "engine/session.h"
#include "engine/side_calls.h"
#include "engine/snapshot.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"

namespace gatehouse::engine {

class Worker;

/// A snapshot in service: the snapshot and, per worker, how many exchanges use it. The counts are plain: each is
/// written by its worker alone.
struct PublishedSnapshot {
  struct alignas(64) Pin {
    std::uint64_t count = 0;
    bool superseded = false;  ///< a newer one is in use: the last unpin reports it
  };
  PublishedSnapshot(std::shared_ptr<const Snapshot> of, unsigned workers) : snapshot(std::move(of)), pins(workers) {}
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Pin> pins;
  /// By the stable id of a listener: its index in the model, or kGone.
  std::vector<std::uint16_t> listener_index;
  static constexpr std::uint16_t kGone = UINT16_MAX;
};

/// What workers and the control thread share. Control thread makes it; it outlives the workers.
struct Shared {
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<std::uint32_t> connections{0};  ///< of all workers
  std::atomic<std::uint32_t> max_connections{0};
  /// Tells the control thread that this worker no longer uses a snapshot. Any worker's thread.
  std::function<void(PublishedSnapshot*)> released;
};

/// One thread that serves clients: its reactor, its sessions, its half of every counter. Everything but the constructor
/// and post() runs on its own thread.
class Worker final : public Handler {
 public:
  Worker(unsigned index, Shared& shared, telemetry::WorkerMetrics& metrics);
  ~Worker() override;

  io::Reactor& reactor() { return reactor_; }
  unsigned index() const { return index_; }
  std::uint32_t connections() const { return connection_count_.load(std::memory_order_relaxed); }

  /// Takes a new snapshot into use.
  void use(PublishedSnapshot* published);
  PublishedSnapshot* current() const { return current_; }
  /// Starts to accept on a listening socket (shared with other workers, not closed here). `id` is the listener's stable
  /// id.
  void add_listener(std::uint16_t id, int fd, const std::string& name, std::shared_ptr<const SessionSettings> settings);
  /// New settings for connections to come.
  void change_listener(std::uint16_t id, std::shared_ptr<const SessionSettings> settings);
  /// Accepts what waits, then stops accepting.
  void remove_listener(std::uint16_t id);
  void use_log(std::shared_ptr<telemetry::AccessSink> sink, std::shared_ptr<const telemetry::AccessFormat> format);
  /// Responses from now on end their connections; idle ones close.
  void drain();
  /// Ends every connection that is left; gives how many.
  std::size_t abort_all();
  void flush_log(bool always);
  /// The reactor has stopped: ends what is left on the thread to which its memory belongs.
  void end();
  void take_connection(std::uint16_t listener, int fd, const io::Endpoint& peer, unsigned asked = 0);

  Task<void> serve(const Call& call, http::RequestHead& head, Arena& arena) override;
  Task<void> refuse(const Call& call, Arena& arena, const Error& error) override;
  void ended(Session& session) override;
  void http2_gave_up(Session& session, std::uint32_t error) override;
  bool may_shake_hands() override;
  void handshake_done(Session& session, bool resumed) override;
  void handshake_failed(Session& session, const char* why) override;

  telemetry::WorkerMetrics& metrics() { return metrics_; }
  Random& random() { return random_; }
  SideCalls& side_calls() { return side_calls_; }
  void log(const telemetry::AccessRecord& record);
  bool logging() const { return log_.on(); }
  void unpin(PublishedSnapshot* published);

 private:
  void drain_listener(std::uint16_t id, bool all);
  struct Acceptor;
  struct FlushTimer : Wait {
    FlushTimer(Worker& owner);
    Worker& worker;
  };
  Worker* less_loaded() const;

  const unsigned index_;
  Shared& shared_;
  telemetry::WorkerMetrics& metrics_;
  io::Reactor reactor_;
  Random random_;
  PublishedSnapshot* current_ = nullptr;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;  ///< by listener id; null where gone
  List<Session, &Session::hook> sessions_;
  SideCalls side_calls_;
  std::atomic<std::uint32_t> connection_count_{0};
  TimePoint handshake_turn_{};
  unsigned handshakes_ = 0;  ///< steps in that turn
  static constexpr std::uint32_t kMostTurnedAway = 256;
  std::uint32_t turned_away_ = 0;  ///< sessions that only say that there are too many
  bool draining_ = false;
  bool aborted_ = false;
  telemetry::AccessBuffer log_;
  FlushTimer flush_timer_;
};

}  // namespace gatehouse::engine
