#include "upstream/shared_pool.h"

#include "telemetry/metrics.h"
#include "upstream/pool.h"

namespace gatehouse::upstream {

namespace {

/// A service says how many streams it takes as soon as it has a connection: longer than a way there and back.
constexpr Duration kGreeting = std::chrono::milliseconds(300);

}  // namespace

SharedConnection::End::End(SharedConnection& owner)
    : Wait([](Wait& wait) {
        SharedConnection& fired = static_cast<End&>(wait).connection;
        fired.pool.close(fired);  // destroys it
      }),
      connection(owner) {}

SharedConnection::SharedConnection(SharedPool& owner)
    : client(owner.pool_.reactor(), *this), pool(owner), end_(*this), greeting_(*this) {}

SharedConnection::Greeting::Greeting(SharedConnection& owner)
    : Wait([](Wait& wait) {
        SharedConnection& late = static_cast<Greeting&>(wait).connection;
        late.late_ = true;
        late.pool.pool_.open_another();
      }),
      connection(owner) {}

void SharedConnection::connection_changed() {
  pool.changed(*this);
}

const Endpoint& SharedPool::endpoint() const {
  return pool_.endpoint();
}

SharedPool::~SharedPool() {
  while (!connections_.empty()) delete &connections_.front();
}

SharedConnection* SharedPool::take() {
  SharedConnection* found = nullptr;
  connections_.each([&](SharedConnection& connection) {
    const bool usable = connection.state_ == SharedConnection::State::ready && connection.client.has_room();
    if (found == nullptr && usable) found = &connection;
  });
  if (found == nullptr) return nullptr;
  set_idle(*found, false);
  found->client.take_slot();
  telemetry::bump(pool_.reused);
  return found;
}

bool SharedPool::coming() const {
  bool coming = connecting_;
  connections_.each([&](const SharedConnection& connection) {
    coming = coming || (connection.state_ == SharedConnection::State::ready && !connection.client.greeted() &&
                        !connection.late_ && !connection.client.over());
  });
  return coming;
}

SharedConnection& SharedPool::open() {
  connecting_ = true;
  auto* connection = new SharedConnection(*this);
  connections_.push_back(*connection);
  telemetry::bump(pool_.opened);
  pool_.open_count.store(pool_.open_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return *connection;
}

void SharedPool::connected(SharedConnection& connection) {
  connecting_ = false;
  connection.state_ = SharedConnection::State::ready;
  connection.client.take_slot();
  connection.greeting_.attach(pool_.reactor().scheduler(), nullptr, nullptr,
                              deadline_after(pool_.reactor().now(), kGreeting));
  changed(connection);
}

void SharedPool::failed(SharedConnection& connection) {
  connecting_ = false;
  close(connection);
}

/// Gives slots to who waits, and ends the connection when it is over or has nothing to do.
void SharedPool::changed(SharedConnection& connection) {
  if (connection.state_ == SharedConnection::State::connecting) return;
  if (connection.client.over() || (retired_ && connection.client.taken() == 0))
    connection.state_ = SharedConnection::State::over;
  while (connection.state_ == SharedConnection::State::ready && connection.client.has_room()) {
    if (!pool_.grant(connection)) break;
    connection.client.take_slot();
  }
  if (connection.client.taken() != 0) {
    pool_.open_another();
    return;
  }
  if (connection.state_ == SharedConnection::State::over) {
    connection.end_.detach();
    pool_.reactor().scheduler().complete(connection.end_, Outcome::ready);  // not now: it may be at work
  } else {
    set_idle(connection, true);
    if (pool_.endpoint().contended(pool_.worker())) pool_.on_permit_wanted();
  }
}

void SharedPool::set_idle(SharedConnection& connection, bool idle) {
  if (connection.idle_ == idle) return;
  connection.idle_ = idle;
  const std::uint32_t count = pool_.idle_count.load(std::memory_order_relaxed);
  pool_.idle_count.store(idle ? count + 1 : count - 1, std::memory_order_seq_cst);
  connection.end_.detach();
  if (!idle) return;
  const TimePoint due = deadline_after(pool_.reactor().now(), pool_.endpoint().idle_timeout());
  connection.end_.attach(pool_.reactor().scheduler(), nullptr, nullptr, due);
}

bool SharedPool::close_one() {
  SharedConnection* idle = nullptr;
  connections_.each([&](SharedConnection& connection) {
    if (connection.idle_) idle = &connection;
  });
  if (idle == nullptr) return false;
  set_idle(*idle, false);
  idle->state_ = SharedConnection::State::over;
  pool_.reactor().scheduler().complete(idle->end_, Outcome::ready);
  return true;
}

void SharedPool::retire() {
  retired_ = true;
  connections_.each([this](SharedConnection& connection) { changed(connection); });
}

void SharedPool::close(SharedConnection& connection) {
  set_idle(connection, false);
  if (connection.state_ != SharedConnection::State::connecting && !connection.client.over()) {
    connection.client.say_goodbye();
  }
  pool_.open_count.store(pool_.open_count.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  delete &connection;
  pool_.give_permit();
  pool_.check_retired();
}

}  // namespace gatehouse::upstream
