#include "upstream/cluster.h"

#include <algorithm>
#include <optional>

namespace gatehouse::upstream {
namespace {

Error upstream_error(Reason reason, const char* detail) {
  return {reason, Source::upstream, RetrySafety::yes, 0, detail};
}

Error ended(const Scope& scope) {
  return {scope.reason(), Source::downstream, RetrySafety::no, 0, "cancelled"};
}

Error out_of_time() {
  return upstream_error(Reason::upstream_timeout, "the total time is over");
}

/// Leave to open a connection. Of those that are shared one at a time is opened: who else wants one waits for it.
bool may_open_one(Pool& pool) {
  return !pool.shared().coming() && pool.endpoint().take_permit();
}

/// Waits for a connection that another exchange gives back, or for leave to open one.
Task<Result<Lease>> wait_in_queue(Pool& pool, TimePoint total, Scope& scope, bool& may_open) {
  Endpoint& endpoint = pool.endpoint();
  if (!endpoint.enter_queue()) {
    co_return fail(upstream_error(Reason::overloaded, "the queue for a connection to the service is full"));
  }
  Waiter waiter(pool);
  // A permit may have come free between the last look and the queue; from here on its giver sees this waiter.
  if (may_open_one(pool)) {
    may_open = true;
    co_return Lease();
  }
  if (!pool.shared().coming()) endpoint.announce_wanted(pool.worker());
  const TimePoint queued_until = deadline_after(pool.reactor().now(), endpoint.queue_timeout());
  while (!waiter.granted_anything()) {
    const Outcome outcome = co_await until(waiter.granted, scope, std::min(queued_until, total));
    if (outcome == Outcome::cancelled) co_return fail(ended(scope));
    if (outcome == Outcome::timeout && !waiter.granted_anything()) {
      co_return fail(queued_until < total
                         ? upstream_error(Reason::overloaded, "no connection to the service came free in time")
                         : out_of_time());
    }
  }
  may_open = std::exchange(waiter.permit, false);
  if (may_open) co_return Lease();
  if (waiter.shared != nullptr) co_return Lease(*std::exchange(waiter.shared, nullptr));
  co_return Lease(*std::exchange(waiter.connection, nullptr));
}

/// Until when a connection must stand, and what it means if it does not.
struct ConnectLimit {
  TimePoint own, total;
  TimePoint due() const { return std::min(own, total); }
  Error passed() const {
    return own <= total ? upstream_error(Reason::upstream_connect_timeout, "the service did not accept in time")
                        : out_of_time();
  }
};

/// Connects `client` (an H1Client or H2Client), through TLS where the endpoint says so.
template <class Client>
Task<std::optional<Error>> establish(Client& client, Pool& pool, AcquireLimits limits, Scope& scope) {
  const Endpoint& endpoint = pool.endpoint();
  const ConnectLimit limit{deadline_after(pool.reactor().now(), limits.connect), limits.deadline};
  http::Io io = client.connect(pool.reactor(), endpoint.address());
  if (io == http::Io::blocked) {
    const Outcome outcome = co_await until(client.writable(), scope, limit.due());
    if (outcome == Outcome::cancelled) co_return ended(scope);
    if (outcome == Outcome::timeout) co_return limit.passed();
    io = client.connected();
  }
  if (io == http::Io::failed) co_return client.error();
  if (endpoint.tls().client == nullptr) co_return std::nullopt;
  io = client.start_tls(endpoint.tls(), pool.tls_session());
  while (io != http::Io::failed && (io = client.shake_hands()) == http::Io::blocked) {
    const Outcome outcome = co_await until(client.handshake_signal(), scope, limit.due());
    if (outcome == Outcome::cancelled) co_return ended(scope);
    if (outcome == Outcome::timeout) co_return limit.passed();
  }
  if (io == http::Io::failed) co_return client.error();
  co_return std::nullopt;
}

/// Tells the pool what became of a shared connection also where the exchange that opens it is given up.
struct Opening {
  explicit Opening(SharedPool& owner) : pool(owner), connection(&owner.open()) {}
  ~Opening() {
    if (connection != nullptr) pool.failed(*connection);
  }
  SharedPool& pool;
  SharedConnection* connection;
};

Task<Result<Lease>> connect_shared(Pool& pool, AcquireLimits limits, Scope& scope) {
  Opening opening(pool.shared());
  client::H2Client& client = opening.connection->client;
  if (const auto error = co_await establish(client, pool, limits, scope)) co_return fail(*error);
  client.begin();
  SharedConnection& connection = *std::exchange(opening.connection, nullptr);
  pool.shared().connected(connection);
  co_return Lease(connection);
}

Task<Result<Lease>> connect(Pool& pool, AcquireLimits limits, Scope& scope) {
  if (pool.endpoint().http2()) co_return co_await connect_shared(pool, limits, scope);
  Connection& connection = *pool.open();
  Lease lease(connection);  // holds the permit from here on
  if (const auto error = co_await establish(connection.stream, pool, limits, scope)) co_return fail(*error);
  co_return lease;
}

/// A connection that stands already, or a slot on one.
Lease take_standing(Pool& pool) {
  if (pool.endpoint().http2()) {
    SharedConnection* const shared = pool.shared().take();
    return shared != nullptr ? Lease(*shared) : Lease();
  }
  Connection* const idle = pool.take_idle();
  return idle != nullptr ? Lease(*idle) : Lease();
}

}  // namespace

Cluster::Cluster(std::string service, unsigned workers) : service_(std::move(service)), local_(workers) {}

void Cluster::use(unsigned worker, std::shared_ptr<const TargetSet> targets) {
  Local& local = local_[worker];
  local.current.assign(targets->targets.size(), 0);
  local.next_address.assign(targets->targets.size(), worker);  // so that workers do not all start at the same address
  local.set = std::move(targets);
}

std::size_t Cluster::next_target(Local& local) {
  const auto& targets = local.set->targets;
  if (targets.size() == 1) return targets[0].weight == 0 ? 1 : 0;
  std::int64_t total = 0;
  std::size_t best = targets.size();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].addresses.empty() || targets[i].weight == 0) continue;
    local.current[i] += targets[i].weight;
    total += targets[i].weight;
    if (best == targets.size() || local.current[i] > local.current[best]) best = i;
  }
  if (best == targets.size()) return best;  // none has an address
  local.current[best] -= total;
  return best;
}

bool Cluster::choose(Local& local, Choice& choice) {
  if (local.set == nullptr || local.set->targets.empty()) return false;
  const std::size_t index = next_target(local);
  if (index == local.set->targets.size()) return false;
  const TargetSet::Target& target = local.set->targets[index];
  if (target.addresses.empty()) return false;
  choice.target = &target;
  choice.address = target.addresses.size() == 1 ? 0 : local.next_address[index]++ % target.addresses.size();
  return true;
}

Lease Cluster::try_reuse(unsigned worker, Choice& choice) {
  if (!choose(local_[worker], choice)) return {};
  return take_standing(choice.target->addresses[choice.address]->pool(worker));
}

Task<Result<Lease>> Cluster::acquire(unsigned worker, Choice choice, AcquireLimits limits, Scope& scope, bool fresh) {
  if (choice.target == nullptr && !choose(local_[worker], choice)) {
    co_return fail(upstream_error(Reason::no_healthy_target, "the service has no address"));
  }
  const std::shared_ptr<const TargetSet> set =
      local_[worker].set;  // the choice is from it; it may be replaced while we wait
  const auto& addresses = choice.target->addresses;
  Error last;
  for (std::size_t tried = 0; tried < addresses.size(); ++tried) {
    Pool& pool = addresses[(choice.address + tried) % addresses.size()]->pool(worker);
    // A shared connection that has failed is not among those that stand.
    if (!fresh || pool.endpoint().http2()) {
      if (Lease standing = take_standing(pool)) co_return standing;
    }
    bool may_open = may_open_one(pool);
    if (!may_open) {
      Result<Lease> waited = co_await wait_in_queue(pool, limits.deadline, scope, may_open);
      if (!waited) co_return fail(waited.error());
      if (*waited) co_return std::move(*waited);
    }
    Result<Lease> connected = co_await connect(pool, limits, scope);
    if (connected) co_return std::move(*connected);
    last = connected.error();
    const bool another_may_do = last.reason == Reason::upstream_connect ||
                                last.reason == Reason::upstream_connect_timeout || last.reason == Reason::upstream_tls;
    if (!another_may_do) break;
  }
  co_return fail(last);
}

}  // namespace gatehouse::upstream
