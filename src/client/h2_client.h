#pragma once
#include "base/list.h"
#include "client/h2_wire.h"
#include "http/h2_client_stream.h"
#include "io/socket.h"

namespace gatehouse::client {

/// One HTTP/2 connection to a service, shared by the exchanges of one worker: each takes a slot, opens a stream in it
/// and gives it back. Owner: its pool; its reactor's thread.
class H2Client final : private http::H2Owner {
 public:
  struct Watcher {
    virtual ~Watcher() = default;
    /// A slot has come free, or the connection takes no more streams. Not to destroy the connection in here.
    virtual void connection_changed() = 0;
  };
  explicit H2Client(io::Reactor& reactor, Watcher& watcher);
  ~H2Client() override;
  H2Client(const H2Client&) = delete;
  H2Client& operator=(const H2Client&) = delete;

  /// Starts to connect. Io::failed: error() says why. Then wait for writable() and call connected() until it is not
  /// blocked, shake hands where TLS is spoken (as with H1Client), and begin().
  http::Io connect(io::Reactor& reactor, const io::Endpoint& endpoint);
  http::Io connected();
  http::Io start_tls(const io::TlsPeer& peer, io::TlsSession& session);
  http::Io shake_hands();
  Signal& handshake_signal() { return socket_.handshake_signal(); }
  /// HTTP/2 is spoken from here on.
  void begin();
  Signal& writable() { return socket_.writable; }
  const Error& error() const { return error_; }

  /// Another exchange may have a slot now.
  bool has_room() const { return !over() && taken_ < slots(); }
  /// The connection takes no more streams: it has failed, one side has said GOAWAY, or the service has fallen silent.
  bool over() const;
  /// The service has said how many streams it takes; before, it gets one.
  bool greeted() const { return wire_.session.greeted(); }
  std::uint32_t taken() const { return taken_; }

  void take_slot() { ++taken_; }
  /// Opens a stream in a slot that was taken; `arena` outlives release().
  http::ClientStream& open(Arena& arena, http::Method method);
  /// Gives the slot back. `stream` (null: none was opened) is not to be used any more.
  void release(http::ClientStream* stream);
  /// Says GOAWAY. For a connection without streams.
  void say_goodbye();

 private:
  struct Stream;
  struct Reader : Wait {
    explicit Reader(H2Client& owner)
        : Wait([](Wait& wait) { static_cast<Reader&>(wait).client.read(); }), client(owner) {}
    H2Client& client;
  };
  struct Reaper : Wait {
    explicit Reaper(H2Client& owner)
        : Wait([](Wait& wait) { static_cast<Reaper&>(wait).client.reap(); }), client(owner) {}
    H2Client& client;
  };

  http::H2Stream* open_stream() override { return nullptr; }  // a service opens none: push is off
  void head_complete(http::H2Stream&) override {}
  void stream_closed(http::H2Stream& stream) override;
  void giving_up(std::uint32_t) override {}

  std::uint32_t slots() const;
  void read();
  void tell_changes(std::uint32_t had_slots, bool was_greeted);
  void reap();
  void end();

  io::Reactor& reactor_;
  Watcher& watcher_;
  io::Channel socket_;
  H2Wire wire_;
  Reader reader_;
  Reaper reaper_;
  std::uint32_t taken_ = 0;
  std::uint64_t opened_ = 0;
  TimePoint heard_{};    ///< when bytes came last
  bool silent_ = false;  ///< the service did not answer in time, and nothing else came meanwhile
  bool ended_ = false;
  Error error_;

  struct Lists;
  std::unique_ptr<Lists> lists_;
};

}  // namespace gatehouse::client
