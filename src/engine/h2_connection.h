#pragma once
#include <memory>

#include "base/list.h"
#include "base/task.h"
#include "client/h2_wire.h"
#include "engine/call.h"
#include "http/h2_server_stream.h"

namespace gatehouse::engine {

class Handler;

/// A client's HTTP/2 connection: reads frames, starts an exchange for each request, and writes what they all have to
/// say once in a turn of the loop. Owner: its Session, in whose coroutine run() lives; the worker's thread.
///
/// An exchange and its stream end apart: what they share stays until both have.
class H2Connection final : private http::H2Owner {
 public:
  struct Settings {
    http::H2Settings http2;
    Duration header_timeout{};  ///< for the client's preface, and for a header block in parts
    Duration idle_timeout{};    ///< without a stream
    Duration body_timeout{};    ///< until a client takes more of what the last exchange left to be sent
  };
  struct Watcher {
    virtual ~Watcher() = default;
    /// The first stream has opened, or the last has ended.
    virtual void became_idle(bool idle) = 0;
    /// GOAWAY says that the client broke the rules: an error code of RFC 9113 section 7.
    virtual void gave_up(std::uint32_t error) = 0;
  };

  H2Connection(io::Reactor& reactor, io::Channel& socket, Handler& handler, const Arrival& arrival,
               const Settings& settings, Watcher& watcher);
  ~H2Connection() override;

  /// Takes in what has been read from the socket already. Once, before run().
  void begin(std::string_view received);
  /// Serves until the connection ends. `scope` is the connection's.
  Task<void> run(Scope& scope);
  /// Announces the end; what is under way is finished.
  void drain();

 private:
  struct Exchange;
  enum class Draining : std::uint8_t { no, announced, line_drawn };

  http::H2Stream* open_stream() override;
  void head_complete(http::H2Stream& stream) override;
  void stream_closed(http::H2Stream& stream) override;
  void giving_up(std::uint32_t error) override { watcher_.gave_up(error); }

  void look_at_received();
  void start_arrived();
  Task<void> serve(Exchange& exchange);
  void let_go(Exchange& exchange);
  bool done() const;
  TimePoint deadline() const;
  void on_deadline();
  bool client_is_taking(TimePoint now);
  void cancel_exchanges(Reason reason);
  Task<void> end_exchanges();
  Task<void> write_rest(Scope& scope);

  io::Reactor& reactor_;
  io::Channel& socket_;
  Handler& handler_;
  const Arrival arrival_;
  const Settings settings_;
  Watcher& watcher_;
  client::H2Wire wire_;
  Signal none_running_;
  std::uint32_t open_ = 0;     ///< exchanges that have not been let go
  std::uint32_t running_ = 0;  ///< those of them that are served
  Draining draining_ = Draining::no;
  bool given_up_ = false;         ///< what is left to be written nobody takes
  TimePoint idle_since_;          ///< since when nothing is served; or the connection's start
  std::size_t unsent_ = 0;        ///< of what was written, when it was looked at last
  TimePoint unsent_since_{};      ///< when that became less
  TimePoint ending_by_ = kNever;  ///< when GOAWAY has said all: until then it may leave
  TimePoint block_since_{};       ///< of a header block that has not ended
  TimePoint drain_since_{};

  struct Lists;
  std::unique_ptr<Lists> lists_;
};

}  // namespace gatehouse::engine
