#pragma once
#include "base/scheduler.h"
#include "http/stream.h"
#include "http/websocket.h"

namespace gatehouse::engine {

/// Carries bytes both ways between a client and a service that have changed to another protocol (RFC 9110 section 7.8)
/// until both have ended, one breaks off, nothing has passed for `idle`, or the client's connection is to end. A
/// WebSocket is then told so at the end of a frame. One per exchange, in its driver's frame.
class Tunnel {
 public:
  Tunnel(http::ServerStream& client, http::ClientStream& service, Scope& scope, Duration idle, bool websocket)
      : client_(client), service_(service), scope_(scope), idle_(idle), websocket_(websocket) {}

  Task<void> run();

 private:
  struct Direction {
    http::Stream& from;
    http::Stream& to;
    http::WebSocketFrames frames;
    bool over = false;
  };
  Task<void> carry(Direction& direction);
  Task<bool> written(Direction& direction, http::Io io);
  /// After a wait: whether the tunnel lives on.
  bool goes_on(Outcome outcome);
  /// Breaks off when nothing has passed for too long: one timer for all waits, which pass by the thousand a second.
  Task<void> watch_silence();
  TimePoint due() const;
  void break_off();
  bool going_away() const { return websocket_ && client_.closing(); }
  Task<void> say_goodbye();

  http::ServerStream& client_;
  http::ClientStream& service_;
  Scope& scope_;
  const Duration idle_;
  const bool websocket_;
  TimePoint active_{};  ///< when bytes passed last
  bool broken_ = false;
  Signal shorter_;  ///< the time that is left has become less
  Direction up_{client_, service_, {}, false};
  Direction down_{service_, client_, {}, false};
  Job silence_, upload_;  ///< last: end before what they use
};

}  // namespace gatehouse::engine
