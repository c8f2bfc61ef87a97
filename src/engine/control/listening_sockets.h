#pragma once
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "config/model.h"

namespace gatehouse::engine {

/// The sockets that clients connect to, by address. They outlive configurations: what stays in the file keeps its
/// socket and the connections that wait in it. Control thread.
class ListeningSockets {
 public:
  /// Takes over what systemd handed in (LISTEN_FDS of this process): an address that is asked for finds its socket
  /// there.
  ListeningSockets();
  /// Closes all, and removes the files of Unix sockets.
  ~ListeningSockets();
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;

  /// Opens what `listeners` need and is not open. On an error, which is reported with the listener's place, what was
  /// opened meanwhile is closed again.
  bool open(const std::vector<config::Listener>& listeners, config::Diagnostics& out);
  /// Lets no new connection come to what none of `listeners` needs, so that workers can accept what waits before
  /// close_others(). Sockets that were handed in stay open elsewhere and are left alone.
  void silence_others(const std::vector<config::Listener>& listeners);
  /// Closes what none of `listeners` needs. Workers that still accept have descriptors of their own.
  void close_others(const std::vector<config::Listener>& listeners);
  int fd(const config::Address& address) const;
  /// Sockets that were handed in and are not (yet) of use.
  std::size_t unclaimed() const { return inherited_.size(); }

 private:
  struct Socket {
    int fd = -1;
    bool handed_in = false;  ///< its file, if it has one, is the service manager's
  };
  std::expected<Socket, std::string> open(const config::Address& address);
  void close(const std::string& address);
  std::string whose(const config::Address& address) const;
  std::vector<std::string> others(const std::vector<config::Listener>& listeners) const;

  std::map<std::string, Socket> sockets_;  ///< by the address' text
  std::vector<int> inherited_;
};

}  // namespace gatehouse::engine
