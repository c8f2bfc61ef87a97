#include "upstream/pool.h"

#include "telemetry/metrics.h"

namespace gatehouse::upstream {

void Connection::IdleWatch::fired(Wait& wait) {
  auto& self = static_cast<IdleWatch&>(wait);
  Connection& connection = self.connection;
  if (wait.outcome() == Outcome::ready && !connection.stream.stale()) {
    self.start(self.due_);  // only TLS had something to say, such as a ticket
  } else {
    connection.pool.close_idle(connection);
  }
}

void Connection::IdleWatch::start(TimePoint due) {
  due_ = due;
  attach(connection.pool.reactor().scheduler(), &connection.stream.socket().readable, nullptr, due);
}

// ---- Lease ----

http::ClientStream& Lease::begin(Arena& arena, http::Method method) {
  if (shared_ != nullptr) {
    stream_ = &shared_->client.open(arena, method);
    return *stream_;
  }
  connection_->stream.begin(arena, method);
  return connection_->stream;
}

const Endpoint& Lease::endpoint() const {
  return shared_ != nullptr ? shared_->pool.endpoint() : connection_->pool.endpoint();
}

// ---- Waiter ----

Waiter::Waiter(Pool& owner) : pool(owner) {
  pool.waiters_.push_back(*this);
  pool.waiting.fetch_add(1, std::memory_order_seq_cst);
}

Waiter::~Waiter() {
  pool.waiting.fetch_sub(1, std::memory_order_relaxed);
  pool.endpoint().leave_queue();
  hook.unlink();
  // Granted too late: whoever waited has gone.
  if (connection != nullptr) pool.give_back(*connection);
  if (shared != nullptr) shared->client.release(nullptr);
  if (permit) pool.give_permit();
  pool.check_retired();
}

// ---- Pool ----

Pool::~Pool() {
  while (!idle_.empty()) delete &idle_.front();
}

Connection* Pool::take_idle() {
  while (!idle_.empty()) {
    Connection& connection = idle_.pop_front();
    connection.idle_watch.detach();
    idle_count.store(idle_count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    if (!connection.stream.stale()) {
      telemetry::bump(reused);
      return &connection;
    }
    close(connection);
    give_permit();  // another worker may have asked for it and found it taken
  }
  return nullptr;
}

Connection* Pool::open() {
  open_count.store(open_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  telemetry::bump(opened);
  return new Connection(*this);
}

void Pool::close(Connection& connection) {
  open_count.store(open_count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  delete &connection;
}

void Pool::discard(Connection& connection) {
  close(connection);
  give_permit();
  check_retired();
}

void Pool::give_permit() {
  if (!waiters_.empty() && !retired_ && !endpoint_.over_cap()) {
    Waiter& waiter = waiters_.pop_front();
    waiter.permit = true;
    waiter.granted.notify();
    return;
  }
  endpoint_.drop_permit();
  endpoint_.announce_free(worker_);
}

bool Pool::grant(SharedConnection& connection) {
  if (waiters_.empty()) return false;
  Waiter& waiter = waiters_.pop_front();
  waiter.shared = &connection;
  waiter.granted.notify();
  return true;
}

void Pool::open_another() {
  if (waiters_.empty() || retired_ || shared_.coming()) return;
  if (!endpoint_.take_permit()) {
    endpoint_.announce_wanted(worker_);
    return;
  }
  Waiter& waiter = waiters_.pop_front();
  waiter.permit = true;
  waiter.granted.notify();
}

void Pool::give_back(Connection& connection) {
  if (!connection.stream.end() || endpoint_.over_cap()) {
    discard(connection);
    return;
  }
  if (!waiters_.empty()) {
    Waiter& waiter = waiters_.pop_front();
    waiter.connection = &connection;
    waiter.granted.notify();
    return;
  }
  if (retired_ || idle_count.load(std::memory_order_relaxed) >= idle_share()) {
    discard(connection);
    return;
  }
  idle_.push_front(connection);
  idle_count.store(idle_count.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  connection.idle_watch.start(deadline_after(reactor_.now(), endpoint_.idle_timeout()));
  // Others may wait for the permit that this connection keeps.
  if (endpoint_.contended(worker_)) on_permit_wanted();
}

void Pool::close_idle(Connection& connection) {
  connection.hook.unlink();
  connection.idle_watch.detach();
  idle_count.store(idle_count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  discard(connection);
}

void Pool::on_permit_free() {
  while (!waiters_.empty() && endpoint_.take_permit()) {
    Waiter& waiter = waiters_.pop_front();
    waiter.permit = true;
    waiter.granted.notify();
  }
  if (waiters_.empty()) endpoint_.announce_free(worker_);  // what woke us may be of use to another worker
}

void Pool::on_permit_wanted() {
  if (!idle_.empty()) {
    close_idle(idle_.back());
  } else {
    shared_.close_one();
  }
}

void Pool::retire(std::move_only_function<void()> then) {
  retired_ = true;
  on_retired_ = std::move(then);
  while (!idle_.empty()) close_idle(idle_.back());
  shared_.retire();
  check_retired();
}

void Pool::check_retired() {
  if (retired_ && on_retired_ && open_count.load(std::memory_order_relaxed) == 0 &&
      waiting.load(std::memory_order_relaxed) == 0) {
    std::exchange(on_retired_, nullptr)();
  }
}

std::uint32_t Pool::idle_share() const {
  const std::uint32_t all = endpoint_.max_idle();
  return all / endpoint_.workers() + (worker_ < all % endpoint_.workers() ? 1 : 0);
}

// ---- Endpoint ----

Endpoint::Endpoint(std::string service, const io::Endpoint& address, bool http2, io::TlsPeer tls,
                   const std::vector<io::Reactor*>& workers)
    : service_(std::move(service)), address_(address), http2_(http2), tls_(std::move(tls)), text_(address.text()) {
  for (unsigned i = 0; i < workers.size(); ++i) pools_.push_back(std::make_unique<Pool>(*this, *workers[i], i));
}

void Endpoint::configure(const config::Pool& settings) {
  max_connections_.store(settings.max_connections, std::memory_order_relaxed);
  max_idle_.store(settings.max_idle, std::memory_order_relaxed);
  max_queue_.store(settings.queue, std::memory_order_relaxed);
  idle_timeout_.store(settings.idle_timeout.count(), std::memory_order_relaxed);
  queue_timeout_.store(settings.queue_timeout.count(), std::memory_order_relaxed);
}

bool Endpoint::take_permit() {
  std::uint32_t taken = permits_.load(std::memory_order_seq_cst);
  while (taken < max_connections_.load(std::memory_order_relaxed)) {
    if (permits_.compare_exchange_weak(taken, taken + 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

bool Endpoint::enter_queue() {
  if (queued_.fetch_add(1, std::memory_order_seq_cst) < max_queue_.load(std::memory_order_relaxed)) return true;
  queued_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

bool Endpoint::contended(unsigned self) const {
  if (pools_.size() == 1 || queued_.load(std::memory_order_seq_cst) == 0) return false;
  for (unsigned i = 0; i < pools_.size(); ++i) {
    if (i != self && pools_[i]->waiting.load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

void Endpoint::announce_free(unsigned self) {
  for (unsigned i = 0; i < pools_.size(); ++i) {
    Pool& other = *pools_[i];
    if (i == self || other.waiting.load(std::memory_order_seq_cst) == 0) continue;
    other.reactor().post([&other] { other.on_permit_free(); });
    return;
  }
}

void Endpoint::announce_wanted(unsigned self) {
  for (unsigned i = 0; i < pools_.size(); ++i) {
    Pool& other = *pools_[i];
    if (i != self && other.idle_count.load(std::memory_order_seq_cst) != 0) {
      other.reactor().post([&other] { other.on_permit_wanted(); });
    }
  }
}

}  // namespace gatehouse::upstream
