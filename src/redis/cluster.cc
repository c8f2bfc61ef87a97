#include "redis/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "redis/finder.h"

namespace gatehouse::redis {

Cluster::Cluster(Finder& finder, Counters& counters)
    : finder_(finder), counters_(counters), scope_(finder.reactor().scheduler()) {}

Cluster::~Cluster() {
  close();
}

void Cluster::close() {
  closed_ = true;
  fault_ = "the client is closed";
  refreshing_.stop();
  again_.detach();
  owners_.clear();
  for (const auto& node : nodes_) node->close();
  waiters_.each([](Waiter& waiter) { waiter.done.notify(); });
}

Task<RedisResult> Cluster::command(Scope& scope, Arena& arena, Arguments arguments, Arguments keys) {
  const unsigned slot = keys.empty() ? 0 : slot_of(keys.front());
  if (!std::ranges::all_of(keys, [slot](std::string_view key) { return slot_of(key) == slot; })) {
    co_return std::unexpected(
        RedisError{RedisError::Fault::server, "CROSSSLOT Keys in request don't hash to the same slot"});
  }
  if (owners_.empty()) {
    if (!refreshing_.running() && !due_) start();
    if (refreshing_.running() && failures_ == 0) co_await wait_for_map(scope);
    if (owners_.empty()) co_return unavailable(arena.copy(fault_));
  }
  Node* node = owners_[slot];
  RedisResult result = unavailable("no node of the cluster has the slot");
  bool asking = false;
  for (int redirections = 0; node != nullptr; ++redirections) {
    result = co_await node->command(scope, arena, arguments, asking);
    if (result) co_return result;
    const auto to = redirection(result.error(), node->address());
    if (!to) break;
    if (!to->ask) refresh_soon();
    if (redirections == kMostRedirections || closed_) co_return result;
    asking = to->ask;
    node = node_at(to->to);
    if (!to->ask && !owners_.empty()) owners_[to->slot] = node;
  }
  const RedisError& error = result.error();
  if (error.fault == RedisError::Fault::unavailable || error.says("CLUSTERDOWN")) refresh_soon();
  co_return result;
}

Node* Cluster::node_at(const Address& address) {
  const auto found = std::ranges::find_if(nodes_, [&](const auto& node) { return node->address() == address; });
  if (found != nodes_.end()) return found->get();
  if (nodes_.size() >= kMostNodes) return nullptr;
  return nodes_.emplace_back(std::make_unique<Node>(finder_, counters_, address)).get();
}

// ---- who has what ----

Task<void> Cluster::wait_for_map(Scope& scope) {
  Waiter waiter;
  waiters_.push_back(waiter);
  co_await until(waiter.done, scope, deadline_after(finder_.reactor().now(), finder_.options().timeout));
}

void Cluster::refresh_soon() {
  if (closed_ || refreshing_.running() || due_) return;
  const TimePoint due = deadline_after(last_, kRefreshPause);
  due_ = true;
  again_.attach(finder_.reactor().scheduler(), nullptr, nullptr, std::max(due, finder_.reactor().now()));
}

void Cluster::start() {
  due_ = false;
  again_.detach();
  refreshing_.start(refresh());
}

Task<void> Cluster::refresh() {
  // Those that are known to work first, then those that the configuration names.
  std::vector<Address> candidates;
  for (const auto& node : nodes_) {
    if (!node->down()) candidates.push_back(node->address());
  }
  for (const Address& seed : finder_.options().seeds) {
    if (std::ranges::find(candidates, seed) == candidates.end()) candidates.push_back(seed);
  }
  bool found = false;
  for (const Address& candidate : candidates) {
    Node* const node = node_at(candidate);
    found = node != nullptr && co_await ask(*node);
    if (found) break;
  }
  last_ = finder_.reactor().now();
  if (found) {
    failures_ = 0;
  } else {
    GH_LOG_LIMITED(warn, 1, "redis cluster: no node tells who has what: {}", fault_);
    due_ = true;
    again_.attach(finder_.reactor().scheduler(), nullptr, nullptr,
                  deadline_after(last_, Node::pause(++failures_, finder_.random())));
  }
  waiters_.each([](Waiter& waiter) { waiter.done.notify(); });
}

Task<bool> Cluster::ask(Node& node) {
  constexpr std::string_view kQuestion[] = {"CLUSTER", "SLOTS"};
  Arena arena;
  const Address asked = node.address();
  const RedisResult reply = co_await node.command(scope_, arena, kQuestion);
  if (!reply) {
    fault_ = reply.error().text;
    co_return false;
  }
  if (take(*reply, asked)) co_return true;
  fault_ = "it does not say who has what";
  co_return false;
}

bool Cluster::take(const RedisReply& reply, const Address& asked) {
  std::vector<Node*> owners(kSlots);
  bool any = false;
  const bool good = read_slots(reply, asked, [&](unsigned from, unsigned to, const Address& master) {
    Node* const node = node_at(master);
    std::fill(owners.begin() + from, owners.begin() + to + 1, node);
    any = any || node != nullptr;
  });
  if (!good || !any) return false;
  owners_ = std::move(owners);
  const std::unordered_set<const Node*> used(owners_.begin(), owners_.end());
  std::erase_if(nodes_, [&](const auto& node) { return !used.contains(node.get()) && node->idle(); });
  return true;
}

}  // namespace gatehouse::redis
