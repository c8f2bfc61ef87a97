#include "engine/worker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "engine/exchange_driver.h"

namespace gatehouse::engine {

/// One listening socket as one worker sees it.
struct Worker::Acceptor : SessionGauges {
  Acceptor(Worker& owner, std::uint16_t listener_id, telemetry::ListenerCounters& listener_counters)
      : worker(owner), id(listener_id), counters(listener_counters), ready(*this) {}
  ~Acceptor() override {
    if (reserve >= 0) ::close(reserve);
  }

  struct Ready : Wait {
    explicit Ready(Acceptor& owner)
        : Wait([](Wait& wait) { static_cast<Ready&>(wait).acceptor.accept(); }), acceptor(owner) {}
    Acceptor& acceptor;
  };

  void watch() { ready.attach(worker.reactor_.scheduler(), &socket.readable, nullptr, kNever); }

  void accept() {
    constexpr int kMostPerTurn = 32;  // other workers take the rest
    if (paused) socket.resume();
    paused = false;
    for (int i = 0; i < kMostPerTurn; ++i) {
      io::Endpoint peer;
      const int fd = io::accept_from(socket.fd(), peer);
      if (fd < 0) {
        const int error = errno;
        if (error == EAGAIN) break;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
          if (shed()) continue;
          return pause();
        }
        continue;  // that connection has failed already; the next may be good
      }
      Worker* other = worker.less_loaded();
      if (other != nullptr) {
        other->reactor().post([other, listener = id, fd, peer] { other->take_connection(listener, fd, peer); });
      } else {
        worker.take_connection(id, fd, peer);
      }
    }
    watch();
  }

  /// Out of descriptors: one is kept in reserve to accept with and close, so that clients are told and not left
  /// waiting. False if another thread was quicker and took the number: nothing can be done until one becomes free.
  bool shed() {
    GH_LOG_LIMITED(error, 1, "out of file descriptors: connections are refused");
    if (reserve < 0) return take_reserve();
    ::close(reserve);
    io::Endpoint peer;
    const int fd = io::accept_from(socket.fd(), peer);
    if (fd >= 0) ::close(fd);
    return take_reserve();
  }
  bool take_reserve() {
    reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return reserve >= 0;
  }

  /// Looks again in a while, without being woken by who waits.
  void pause() {
    constexpr Duration kPause = std::chrono::milliseconds(50);
    paused = true;
    socket.pause();
    ready.attach(worker.reactor_.scheduler(), nullptr, nullptr, deadline_after(worker.reactor_.now(), kPause));
  }

  void became_active() override {
    telemetry::bump(counters.active);
    telemetry::drop(counters.idle);
  }
  void became_idle() override {
    telemetry::bump(counters.idle);
    telemetry::drop(counters.active);
  }

  Worker& worker;
  std::uint16_t id;
  telemetry::ListenerCounters& counters;
  io::Descriptor socket;
  std::shared_ptr<const SessionSettings> settings;
  int reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool paused = false;
  Ready ready;
};

Worker::FlushTimer::FlushTimer(Worker& owner)
    : Wait([](Wait& wait) { static_cast<FlushTimer&>(wait).worker.flush_log(false); }), worker(owner) {}

Worker::Worker(unsigned index, Shared& shared, telemetry::WorkerMetrics& metrics)
    : index_(index), shared_(shared), metrics_(metrics), side_calls_(reactor_, index), flush_timer_(*this) {}

Worker::~Worker() = default;

void Worker::end() {
  side_calls_.stop();
  while (!sessions_.empty()) delete &sessions_.front();
  acceptors_.clear();
  log_.use(nullptr, nullptr);
}

void Worker::use(PublishedSnapshot* published) {
  PublishedSnapshot* const old = std::exchange(current_, published);
  if (old == nullptr) return;
  PublishedSnapshot::Pin& pin = old->pins[index_];
  pin.superseded = true;
  if (pin.count == 0) shared_.released(old);
}

void Worker::unpin(PublishedSnapshot* published) {
  PublishedSnapshot::Pin& pin = published->pins[index_];
  if (--pin.count == 0 && pin.superseded) [[unlikely]] {
    shared_.released(published);
  }
}

void Worker::add_listener(std::uint16_t id, int fd, const std::string& name,
                          std::shared_ptr<const SessionSettings> settings) {
  if (acceptors_.size() <= id) acceptors_.resize(id + 1);
  // A listener that comes back finds the one it had: sessions that were accepted then still count on it.
  if (acceptors_[id] == nullptr) acceptors_[id] = std::make_unique<Acceptor>(*this, id, metrics_.listener(name));
  Acceptor& acceptor = *acceptors_[id];
  acceptor.settings = std::move(settings);
  if (fd < 0 || !acceptor.socket.open(reactor_, fd, true)) {
    GH_LOG_ERROR("worker {} cannot watch listener {}: {}", index_, name, std::strerror(errno));
    return;
  }
  acceptor.watch();
}

void Worker::change_listener(std::uint16_t id, std::shared_ptr<const SessionSettings> settings) {
  const auto proof = [](const SessionSettings& of) { return of.tls != nullptr ? of.tls->session_context() : ""; };
  const SessionSettings& before = *acceptors_[id]->settings;
  const bool other = proof(before) != proof(*settings);
  const bool all = (before.tls == nullptr) != (settings->tls == nullptr) ||
                   (settings->tls != nullptr && settings->tls->requires_certificates());
  acceptors_[id]->settings = std::move(settings);
  // What was proved may no longer be enough; who had to prove nothing, and still has not to, stays.
  if (other) drain_listener(id, all);
}

void Worker::drain_listener(std::uint16_t id, bool all) {
  sessions_.each([id, all](Session& session) {
    if (session.listener() == id && (all || session.has_certificate())) session.drain();
  });
}

void Worker::remove_listener(std::uint16_t id) {
  if (id >= acceptors_.size() || acceptors_[id] == nullptr || !acceptors_[id]->socket.is_open()) return;
  Acceptor& acceptor = *acceptors_[id];
  acceptor.ready.detach();
  for (;;) {
    io::Endpoint peer;
    const int fd = io::accept_from(acceptor.socket.fd(), peer);
    if (fd >= 0) {
      take_connection(id, fd, peer);
      continue;
    }
    const int error = errno;
    if ((error == EMFILE || error == ENFILE) && acceptor.shed()) continue;
    if (error != ECONNABORTED && error != EINTR) break;
  }
  acceptor.paused = false;
  acceptor.socket.close();
  drain_listener(id, true);
}

Worker* Worker::less_loaded() const {
  if (shared_.workers.size() == 1) return nullptr;
  const std::uint32_t mine = connections();
  Worker* best = nullptr;
  std::uint32_t least = mine;
  for (const auto& worker : shared_.workers) {
    const std::uint32_t count = worker->connections();
    if (count < least) {
      least = count;
      best = worker.get();
    }
  }
  // A small difference is not worth the hop to another thread.
  return best != nullptr && mine - least > 1 + mine / 8 ? best : nullptr;
}

void Worker::take_connection(std::uint16_t listener, int fd, const io::Endpoint& peer, unsigned asked) {
  constexpr unsigned kMostAsked = 1000;
  const bool known = listener < acceptors_.size() && acceptors_[listener] != nullptr;
  if (!known && !aborted_ && asked < kMostAsked) {
    // Another worker has heard of a new listener first: the word of it is on its way here.
    reactor_.post([this, listener, fd, peer, asked] { take_connection(listener, fd, peer, asked + 1); });
    return;
  }
  if (aborted_ || !known) {
    ::close(fd);
    return;
  }
  Acceptor& acceptor = *acceptors_[listener];
  const std::uint32_t cap = shared_.max_connections.load(std::memory_order_relaxed);
  const bool full = shared_.connections.fetch_add(1, std::memory_order_relaxed) >= cap && cap != 0;
  if (full) shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  if (full && turned_away_ == kMostTurnedAway) {
    metrics_.count_error(Reason::overloaded);
    ::close(fd);
    return;
  }
  auto* session = new Session(reactor_, *this, acceptor.settings, acceptor, listener);
  if (full) {
    ++turned_away_;
    session->turn_away(Reason::overloaded);
  }
  sessions_.push_back(*session);
  connection_count_.store(connections() + 1, std::memory_order_relaxed);
  telemetry::bump(acceptor.counters.accepted);
  telemetry::bump(acceptor.counters.idle);
  telemetry::bump(metrics_.accepted);
  if (draining_ || !acceptor.socket.is_open()) session->drain();  // the listener may have gone while it was handed over
  if (!session->start(fd, peer)) {
    acceptor.became_active();
    ended(*session);
  }
}

bool Worker::may_shake_hands() {
  // An RSA-2048 signature takes some 0.5 ms: requests of other connections wait for no more than this many.
  constexpr unsigned kMost = 4;
  if (reactor_.now() != handshake_turn_) {
    handshake_turn_ = reactor_.now();
    handshakes_ = 0;
  }
  return ++handshakes_ <= kMost;
}

void Worker::handshake_done(Session& session, bool resumed) {
  telemetry::ListenerCounters& counters = acceptors_[session.listener()]->counters;
  telemetry::bump(resumed ? counters.resumptions : counters.handshakes);
}

void Worker::handshake_failed(Session& session, const char* why) {
  telemetry::bump(acceptors_[session.listener()]->counters.failed_handshakes);
  GH_LOG_DEBUG("TLS handshake with {} failed: {}", session.peer().text(), *why != '\0' ? why : "the client left");
}

void Worker::http2_gave_up(Session& session, std::uint32_t error) {
  telemetry::ListenerCounters& counters = acceptors_[session.listener()]->counters;
  telemetry::bump(counters.http2_errors[error < telemetry::ListenerCounters::kHttp2Errors ? error : 0]);
  GH_LOG_DEBUG("HTTP/2 connection of {} ended with error {}", session.peer().text(), error);
}

void Worker::ended(Session& session) {
  Acceptor& acceptor = *acceptors_[session.listener()];
  telemetry::bump(acceptor.counters.closed);
  telemetry::drop(acceptor.counters.active);
  telemetry::bump(metrics_.closed);
  connection_count_.store(connections() - 1, std::memory_order_relaxed);
  if (session.turned_away()) {
    --turned_away_;
  } else {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  delete &session;
}

void Worker::drain() {
  draining_ = true;
  sessions_.each([](Session& session) { session.drain(); });
}

std::size_t Worker::abort_all() {
  std::size_t count = 0;
  aborted_ = true;
  sessions_.each([&](Session& session) {
    if (!session.idle()) ++count;
    session.abort(Reason::draining);
  });
  side_calls_.stop();
  return count;
}

void Worker::use_log(std::shared_ptr<telemetry::AccessSink> sink,
                     std::shared_ptr<const telemetry::AccessFormat> format) {
  log_.use(std::move(sink), std::move(format));
}

void Worker::log(const telemetry::AccessRecord& record) {
  const bool was_empty = log_.flush_at() == kNever;
  log_.append(record, reactor_.now());
  if (was_empty && log_.flush_at() != kNever) {
    flush_timer_.detach();
    flush_timer_.attach(reactor_.scheduler(), nullptr, nullptr, log_.flush_at());
  }
}

void Worker::flush_log(bool always) {
  log_.flush(reactor_.now(), always);
  flush_timer_.detach();
  if (log_.flush_at() != kNever) flush_timer_.attach(reactor_.scheduler(), nullptr, nullptr, log_.flush_at());
}

Task<void> Worker::serve(const Call& call, http::RequestHead& head, Arena& arena) {
  ExchangeDriver driver(*this, call, arena, head);
  co_await driver.run();
}

Task<void> Worker::refuse(const Call& call, Arena& arena, const Error& error) {
  ExchangeDriver driver(*this, call, arena, error);
  co_await driver.run();
}

}  // namespace gatehouse::engine
