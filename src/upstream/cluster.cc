#include "upstream/cluster.h"

#include <algorithm>

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

/// Waits for a connection that another exchange gives back, or for leave to open one.
Task<Result<Lease>> wait_in_queue(Pool& pool, TimePoint total, Scope& scope, bool& may_open) {
  Endpoint& endpoint = pool.endpoint();
  if (!endpoint.enter_queue()) {
    co_return fail(upstream_error(Reason::overloaded, "the queue for a connection to the service is full"));
  }
  Waiter waiter(pool);
  // A permit may have come free between the last look and the queue; from here on its giver sees this waiter.
  if (endpoint.take_permit()) {
    may_open = true;
    co_return Lease();
  }
  endpoint.announce_wanted(pool.worker());
  const TimePoint queued_until = deadline_after(pool.reactor().now(), endpoint.queue_timeout());
  while (waiter.connection == nullptr && !waiter.permit) {
    const Outcome outcome = co_await until(waiter.granted, scope, std::min(queued_until, total));
    if (outcome == Outcome::cancelled) co_return fail(ended(scope));
    if (outcome == Outcome::timeout && waiter.connection == nullptr && !waiter.permit) {
      co_return fail(queued_until < total
                         ? upstream_error(Reason::overloaded, "no connection to the service came free in time")
                         : out_of_time());
    }
  }
  may_open = std::exchange(waiter.permit, false);
  if (may_open) co_return Lease();
  co_return Lease(*std::exchange(waiter.connection, nullptr));
}

Task<Result<Lease>> connect(Pool& pool, AcquireLimits limits, Scope& scope) {
  Lease lease(*pool.open());  // holds the permit from here on
  client::H1Client& stream = lease.stream();
  const TimePoint connect_until = deadline_after(pool.reactor().now(), limits.connect);
  http::Io io = stream.connect(pool.reactor(), pool.endpoint().address());
  if (io == http::Io::blocked) {
    const Outcome outcome = co_await until(stream.writable(), scope, std::min(connect_until, limits.deadline));
    if (outcome == Outcome::cancelled) co_return fail(ended(scope));
    if (outcome == Outcome::timeout) {
      co_return fail(connect_until <= limits.deadline
                         ? upstream_error(Reason::upstream_connect_timeout, "the service did not accept in time")
                         : out_of_time());
    }
    io = stream.connected();
  }
  if (io == http::Io::failed) co_return fail(stream.error());
  co_return lease;
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
  if (Connection* idle = choice.target->addresses[choice.address]->pool(worker).take_idle()) return Lease(*idle);
  return {};
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
    if (!fresh) {
      if (Connection* idle = pool.take_idle()) co_return Lease(*idle);
    }
    bool may_open = pool.endpoint().take_permit();
    if (!may_open) {
      Result<Lease> waited = co_await wait_in_queue(pool, limits.deadline, scope, may_open);
      if (!waited) co_return fail(waited.error());
      if (*waited) co_return std::move(*waited);
    }
    Result<Lease> connected = co_await connect(pool, limits, scope);
    if (connected) co_return std::move(*connected);
    last = connected.error();
    if (last.reason != Reason::upstream_connect && last.reason != Reason::upstream_connect_timeout) break;
  }
  co_return fail(last);
}

}  // namespace gatehouse::upstream
