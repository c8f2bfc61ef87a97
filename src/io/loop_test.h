#pragma once
#include "io/reactor.h"

namespace gatehouse::io::test {

/// One turn of the loop that does not sleep: what is ready now is noted and resumed.
inline void turn(Reactor& reactor) {
  reactor.post([&reactor] { reactor.stop(); });
  reactor.run();
}

/// Runs the reactor until something in its loop stops it; false if nothing did for `patience`.
inline bool run_for(Reactor& reactor, Duration patience = std::chrono::seconds(20)) {
  struct Limit : Wait {
    explicit Limit(Reactor& of) : Wait([](Wait& wait) { static_cast<Limit&>(wait).end(); }), reactor(of) {}
    void end() {
      passed = true;
      reactor.stop();
    }
    Reactor& reactor;
    bool passed = false;
  } limit(reactor);
  limit.attach(reactor.scheduler(), nullptr, nullptr, deadline_after(steady_now(), patience));
  reactor.run();
  return !limit.passed;
}

}  // namespace gatehouse::io::test
