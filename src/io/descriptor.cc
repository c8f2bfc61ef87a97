#include "io/descriptor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/reactor.h"

namespace gatehouse::io {

bool Descriptor::open(Reactor& reactor, int fd, bool exclusive) {
  epoll_event event{};
  // EPOLLEXCLUSIVE allows only these flags beside it, and such a descriptor is level-triggered: it is only accepted
  // from.
  event.events = exclusive ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  if (::epoll_ctl(reactor.epoll_fd(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return false;
  }
  fd_ = fd;
  watched_by_ = exclusive ? reactor.epoll_fd() : -1;
  can_read_ = false;
  can_write_ = true;  // a new socket has room; a connecting one says EAGAIN or ENOTCONN and is waited for
  finished_ = dead_ = false;
  return true;
}

void Descriptor::close() noexcept {
  // A listening socket is shared by descriptors of others: closing this one alone would leave it watched.
  if (fd_ >= 0 && watched_by_ >= 0) ::epoll_ctl(watched_by_, EPOLL_CTL_DEL, fd_, nullptr);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Descriptor::pause() {
  ::epoll_ctl(watched_by_, EPOLL_CTL_DEL, fd_, nullptr);
}

void Descriptor::resume() {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.ptr = this;
  ::epoll_ctl(watched_by_, EPOLL_CTL_ADD, fd_, &event);
}

Transfer Descriptor::read(char* to, std::size_t size) {
  if (!can_read_) return {};
  for (;;) {
    const ssize_t got = ::recv(fd_, to, size, 0);
    if (got > 0) {
      // A short read has emptied the socket: more bytes make a new edge. An end of stream makes none once it was
      // reported, so with it the flag stays.
      if (static_cast<std::size_t>(got) < size && !finished_) can_read_ = false;
      return {Transfer::Kind::done, static_cast<std::size_t>(got), 0};
    }
    if (got == 0) return {Transfer::Kind::end, 0, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      can_read_ = false;
      return {};
    }
    return {Transfer::Kind::failed, 0, errno};
  }
}

namespace {

Transfer written(ssize_t count, std::size_t wanted, bool& can_write) {
  if (count >= 0) {
    if (static_cast<std::size_t>(count) < wanted) can_write = false;
    if (count == 0) return {};
    return {Transfer::Kind::done, static_cast<std::size_t>(count), 0};
  }
  if (errno == EAGAIN) {
    can_write = false;
    return {};
  }
  return {Transfer::Kind::failed, 0, errno};
}

}  // namespace

Transfer Descriptor::write(const char* from, std::size_t size) {
  if (!can_write_) return {};
  ssize_t count;
  do {
    count = ::send(fd_, from, size, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return written(count, size, can_write_);
}

Transfer Descriptor::write(const iovec* parts, int count) {
  if (count == 1) return write(static_cast<const char*>(parts->iov_base), parts->iov_len);
  if (!can_write_) return {};
  std::size_t wanted = 0;
  for (int i = 0; i < count; ++i) wanted += parts[i].iov_len;
  ssize_t done;
  do {
    done = ::writev(fd_, parts, count);
  } while (done < 0 && errno == EINTR);
  return written(done, wanted, can_write_);
}

void Descriptor::note(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    // Both directions will report the error or the end when tried.
    events |= EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    if (!dead_) {
      dead_ = true;
      hangup.notify();
    }
  }
  if ((events & EPOLLRDHUP) != 0) {
    finished_ = true;
    events |= EPOLLIN;
  }
  if ((events & EPOLLIN) != 0) {
    can_read_ = true;
    readable.notify();
  }
  if ((events & EPOLLOUT) != 0) {
    can_write_ = true;
    writable.notify();
  }
}

}  // namespace gatehouse::io
