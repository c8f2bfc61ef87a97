#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "support/socket.h"

namespace gatehouse::test {

/// A thread that accepts and a thread per connection: the ground of all fake services. The handler must return soon
/// after `stop_fd` becomes readable.
class TcpServer {
 public:
  /// `index` counts connections from 0.
  using Handler = std::function<void(Fd connection, int stop_fd, std::size_t index)>;

  TcpServer() = default;
  ~TcpServer() { stop(); }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  void start(Fd listener, Handler handler);
  /// Closes the listener and every connection, and joins.
  void stop();
  std::size_t connections() const { return accepted_; }
  bool wait_connections(std::size_t count, const Deadline& deadline = Deadline());

 private:
  void accept_loop();

  struct Worker {
    std::thread thread;
    std::atomic<bool> finished = false;
  };
  Fd listener_, stop_;
  Handler handler_;
  std::thread acceptor_;
  std::list<Worker> workers_;  // the acceptor's, then stop()'s
  std::atomic<std::size_t> accepted_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace gatehouse::test
