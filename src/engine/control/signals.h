#pragma once
#include <functional>

#include "io/descriptor.h"
#include "io/reactor.h"

namespace gatehouse::engine {

/// The signals that steer the gateway, as events of the control thread. The constructor blocks them for this thread and
/// all that it starts afterwards (and ignores SIGPIPE), so it comes before any thread.
class Signals {
 public:
  /// `handle(SIGTERM, SIGINT, SIGHUP or SIGUSR1)` runs on the reactor's thread. Throws std::system_error: at start
  /// only.
  Signals(io::Reactor& reactor, std::function<void(int signal)> handle);

 private:
  struct Waiting : Wait {
    Waiting(Signals& of, Fire fire) : Wait(fire), owner(of) {}
    Signals& owner;
  };
  void read();

  io::Reactor& reactor_;
  std::function<void(int)> handle_;
  io::Descriptor descriptor_;
  Waiting waiting_;
};

}  // namespace gatehouse::engine
