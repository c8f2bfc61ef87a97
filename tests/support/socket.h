#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "support/deadline.h"

namespace gatehouse::test {

/// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { close(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void close();

 private:
  int fd_ = -1;
};

/// How the other side left a connection.
enum class End : std::uint8_t {
  open,     ///< it has not
  eof,      ///< an orderly end
  reset,    ///< RST, or an error that means the same
  timeout,  ///< the deadline passed first
};
std::string_view name(End end);

/// Where a test listens or connects: 127.0.0.1, ::1 or a Unix socket.
enum class Loopback : std::uint8_t { v4, v6 };

/// A port that nothing listens on and no other test process is given while this one lives. It lies below the range
/// from which the kernel takes ports for outgoing connections.
std::uint16_t free_port();

/// A listening socket, or an empty Fd. `port` 0 lets the kernel choose.
Fd listen_tcp(std::uint16_t port, Loopback family = Loopback::v4, int backlog = 512);
Fd listen_unix(const std::string& path);
std::uint16_t local_port(int fd);

struct ConnectOptions {
  Loopback family = Loopback::v4;
  int receive_buffer = 0;   ///< SO_RCVBUF before connecting, 0: the system's
  std::string source = {};  ///< local IPv4 address to connect from, for example "127.0.0.2"
};
/// A connected blocking socket, or an empty Fd if nobody listens there.
Fd connect_tcp(std::uint16_t port, const ConnectOptions& options = {});
Fd connect_unix(const std::string& path);

/// Waits until `fd` is readable, or `other` (a stop signal; -1 for none) is.
enum class Ready : std::uint8_t { yes, stopped, timeout };
Ready wait_readable(int fd, const Deadline& deadline, int other = -1);
Ready wait_writable(int fd, const Deadline& deadline, int other = -1);

/// Appends what is there to `into`, at most `limit` bytes; waits for the first.
End read_some(int fd, std::string& into, const Deadline& deadline, int stop = -1, std::size_t limit = 64 * 1024);
/// True if all of it was written.
bool write_all(int fd, std::string_view bytes, const Deadline& deadline, int stop = -1);
/// Ends the connection with RST.
void reset_connection(Fd& fd);

}  // namespace gatehouse::test
