#include "engine/tunnel.h"

#include <algorithm>

namespace gatehouse::engine {

using http::Io;

namespace {

constexpr std::size_t kMostInTurn = 1024 * 1024;  ///< bytes a direction in a turn of the loop
/// When one side has ended, the other has so long to say what it still has to say.
constexpr Duration kHalfClosed = std::chrono::seconds(30);

}  // namespace

Task<void> Tunnel::run() {
  active_ = scope_.scheduler().now();
  silence_.start(watch_silence());
  upload_.start(carry(up_));
  co_await carry(down_);
  while (upload_.running() && !broken_) {
    if (!goes_on(co_await until(upload_.finished(), scope_, kNever))) break;
  }
  upload_.stop();
  silence_.stop();
  if (going_away() && !broken_) co_await say_goodbye();
  if (!up_.over || !down_.over) {
    service_.reset();
    client_.reset();
  }
}

bool Tunnel::goes_on(Outcome outcome) {
  if (broken_) return false;
  if (outcome == Outcome::ready) return true;
  break_off();
  return false;
}

Task<void> Tunnel::watch_silence() {
  while (!broken_ && scope_.scheduler().now() < due()) {
    if (co_await until(shorter_, scope_, due()) == Outcome::cancelled) co_return;
  }
  if (!broken_) break_off();
}

TimePoint Tunnel::due() const {
  const bool half = up_.over || down_.over;
  return deadline_after(active_, half ? std::min(idle_, kHalfClosed) : idle_);
}

/// Ends both directions.
void Tunnel::break_off() {
  broken_ = true;
  service_.readable().notify();  // whoever waits looks again
  client_.readable().notify();
  service_.writable().notify();
  client_.writable().notify();
  upload_.finished().notify();
}

Task<bool> Tunnel::written(Direction& direction, Io io) {
  while (io == Io::blocked) {
    if (!goes_on(co_await until(direction.to.writable(), scope_, kNever))) co_return false;
    io = direction.to.flush();
  }
  if (io == Io::failed) break_off();
  co_return io == Io::done;
}

Task<void> Tunnel::carry(Direction& direction) {
  std::size_t in_turn = 0;
  http::BodyPiece piece;
  while (!broken_) {
    if (going_away() && direction.frames.at_boundary()) {
      service_.readable().notify();  // only the client's side was told
      co_return;
    }
    Io io = direction.from.read_body(piece);
    if (io == Io::blocked) {
      in_turn = 0;
      if (!goes_on(co_await until(direction.from.readable(), scope_, kNever))) co_return;
      continue;
    }
    if (io == Io::failed) {
      break_off();
      co_return;
    }
    active_ = scope_.scheduler().now();
    if (websocket_) direction.frames.feed(piece.data);
    io = direction.to.write_body(piece.data, piece.last);
    if (io != Io::done && !co_await written(direction, io)) co_return;
    if (piece.last) {
      direction.over = true;
      shorter_.notify();  // the other direction has less time now
      co_return;
    }
    in_turn += piece.data.size();
    if (in_turn < kMostInTurn) continue;
    in_turn = 0;
    co_await next_turn(scope_);
  }
}

/// Both directions stand between two frames: a Close frame each, and that was that.
Task<void> Tunnel::say_goodbye() {
  const auto close = [](Direction& direction, std::string_view frame) {
    return direction.over ? Io::done : direction.to.write_body(frame, true);
  };
  down_.over = co_await written(down_, close(down_, http::kCloseToClient));
  up_.over = co_await written(up_, close(up_, http::kCloseToService));
}

}  // namespace gatehouse::engine
