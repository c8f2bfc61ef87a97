#pragma once
#include "http/h2_session.h"
#include "io/channel.h"
#include "io/reactor.h"

namespace gatehouse::client {

/// What both ends of an HTTP/2 connection do alike with bytes: from the socket into the session, and out of the session
/// once in a turn of the loop, whoever had something to say. Who waits for the socket to become readable is woken, too,
/// when the connection is at its end, and when what was blocked has left. Owner: the connection (H2Client here, the
/// server's in engine/); its reactor's thread.
class H2Wire final : private http::H2Output {
 public:
  H2Wire(io::Reactor& reactor, io::Channel& socket, http::H2Session::Role role, const http::H2Settings& settings,
         http::H2Owner& owner)
      : session(role, settings, owner, *this), socket_(socket), reactor_(reactor), flush_(*this) {}
  H2Wire(const H2Wire&) = delete;
  H2Wire& operator=(const H2Wire&) = delete;

  /// Reads once, if there is something to read; gives how many bytes came.
  std::size_t read_some();
  /// Takes in what someone else has read.
  void receive(std::string_view bytes);
  /// Writes in this turn of the loop.
  void write_soon() override;
  /// Writes all there is; false if the socket takes no more for now.
  bool write_all();
  /// No write is under way or planned any more.
  void stop_writing() { flush_.detach(); }

  /// The peer has gone, or what came was no HTTP/2.
  bool failed() const { return failed_; }
  int error_number() const { return error_number_; }
  /// The socket takes no more of what there is to write.
  bool blocked() const { return writing_ == Writing::blocked; }
  /// When the socket last took something; the epoch before.
  TimePoint wrote_at() const { return wrote_at_; }

  http::H2Session session;

 private:
  struct Flush : Wait {
    explicit Flush(H2Wire& owner);
    H2Wire& wire;
  };
  enum class Writing : std::uint8_t { idle, soon, blocked };
  bool write_now() override;
  void flush();
  void fail(int error);

  io::Channel& socket_;
  io::Reactor& reactor_;
  Flush flush_;
  Writing writing_ = Writing::idle;
  bool failed_ = false;
  int error_number_ = 0;
  TimePoint wrote_at_{};
};

}  // namespace gatehouse::client
