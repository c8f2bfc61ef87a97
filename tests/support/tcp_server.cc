#include "support/tcp_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace gatehouse::test {

void TcpServer::start(Fd listener, Handler handler) {
  listener_ = std::move(listener);
  stop_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  handler_ = std::move(handler);
  acceptor_ = std::thread([this] { accept_loop(); });
}

void TcpServer::accept_loop() {
  while (wait_readable(listener_.get(), Deadline(std::chrono::hours(1)), stop_.get()) != Ready::stopped) {
    Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) continue;
    int on = 1;
    ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::size_t index = 0;
    {
      std::lock_guard lock(mutex_);
      index = accepted_++;
      changed_.notify_all();
    }
    workers_.remove_if([](Worker& worker) {
      if (!worker.finished) return false;
      worker.thread.join();
      return true;
    });
    Worker& worker = workers_.emplace_back();
    worker.thread = std::thread([this, &worker, index, fd = connection.release()] {
      handler_(Fd(fd), stop_.get(), index);
      worker.finished = true;
    });
  }
}

void TcpServer::stop() {
  if (!acceptor_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  acceptor_.join();
  listener_.close();
  for (Worker& worker : workers_) worker.thread.join();
  workers_.clear();
}

bool TcpServer::wait_connections(std::size_t count, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline.at(), [&] { return accepted_ >= count; });
}

}  // namespace gatehouse::test
