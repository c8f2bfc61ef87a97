#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "base/scheduler.h"

namespace gatehouse::io {

class Reactor;

/// What one read or write came to.
struct Transfer {
  enum class Kind : std::uint8_t {
    done,     ///< `bytes` were moved, at least one
    blocked,  ///< nothing now: wait for the signal
    end,      ///< reads only: the peer will send no more
    failed,   ///< `error` is the errno
  };
  Kind kind = Kind::blocked;
  std::size_t bytes = 0;
  int error = 0;
};

/// A non-blocking descriptor, registered once with its reactor (edge-triggered, for in, out and rdhup). It remembers
/// what is ready, so that no system call is made that could only fail. Closes the descriptor when destroyed.
/// Owner and thread: the reactor's. Stays where it is while open, since epoll holds its address.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  /// Takes over `fd` and registers it. False (errno set, fd closed) if epoll refuses it.
  /// `exclusive`: of several reactors that watch the same listening socket wake one (EPOLLEXCLUSIVE).
  bool open(Reactor& reactor, int fd, bool exclusive = false);
  void close() noexcept;
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  /// Of an exclusive one: no events until resume(). It is level-triggered, and who cannot accept would be woken for
  /// ever.
  void pause();
  void resume();

  /// Of a socket: reads once, if it is worth a try. A read shorter than `size` marks the descriptor as drained.
  Transfer read(char* to, std::size_t size);
  /// Writes once, if it is worth a try.
  Transfer write(const char* from, std::size_t size);
  Transfer write(const iovec* parts, int count);

  bool can_read() const { return can_read_; }
  bool can_write() const { return can_write_; }
  /// The peer has shut down its sending side (or the connection is dead); bytes may still be there to read.
  bool peer_finished() const { return finished_; }
  /// The connection is dead in both directions (EPOLLERR or EPOLLHUP).
  bool dead() const { return dead_; }
  void set_drained() { can_read_ = false; }

  Signal readable;
  Signal writable;
  Signal hangup;  ///< notified once, when dead() becomes true

 private:
  friend class Reactor;
  /// Notes what epoll reported; runs nothing.
  void note(std::uint32_t events);

  int fd_ = -1;
  int watched_by_ = -1;  ///< the epoll to be told at close; -1 where the kernel does it
  bool can_read_ = false;
  bool can_write_ = false;
  bool finished_ = false;
  bool dead_ = false;
};

}  // namespace gatehouse::io
