#include "engine/control/signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gatehouse::engine {

Signals::Signals(io::Reactor& reactor, std::function<void(int)> handle)
    : reactor_(reactor),
      handle_(std::move(handle)),
      waiting_(*this, [](Wait& wait) { static_cast<Waiting&>(wait).owner.read(); }) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0 || !descriptor_.open(reactor, fd)) throw std::system_error(errno, std::generic_category(), "signalfd");
  waiting_.attach(reactor_.scheduler(), &descriptor_.readable, nullptr, kNever);
}

void Signals::read() {
  for (;;) {
    signalfd_siginfo info;
    const ssize_t got = ::read(descriptor_.fd(), &info, sizeof info);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof info)) break;
    handle_(static_cast<int>(info.ssi_signo));
  }
  waiting_.attach(reactor_.scheduler(), &descriptor_.readable, nullptr, kNever);
}

}  // namespace gatehouse::engine
