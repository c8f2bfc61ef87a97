#include "plugins/rate_limiting/redis_policy.h"

#include <algorithm>

#include "base/clock.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

using Fault = RedisError::Fault;

std::shared_ptr<RedisWatch> watch_of(plugin::BuildContext& context) {
  const auto counter = [&](std::string_view result) {
    return context.counter("gatehouse_ratelimit_redis_fallbacks_total",
                           "Rate-limiting decisions that the Redis was to make and did not, by who made them.",
                           {"result", result});
  };
  return context.process<RedisWatch>("rate-limiting",
                                     [&] { return std::make_shared<RedisWatch>(counter("local"), counter("error")); });
}

/// Empty where nothing is owed.
std::span<const Late> owed_of(const RedisPolicy::Memory& memory, const Rule& rule) {
  if (memory.question == nullptr) return {};
  const std::span<const Late> all = std::span(memory.question->owed).first(rule.limits.size());
  return std::ranges::any_of(all, [](const Late& each) { return each.amount != 0; }) ? all : std::span<const Late>();
}

}  // namespace

std::int64_t RedisPolicy::Leases::now_us() const {
  return wall_clock_us() + ahead_us.load(std::memory_order_relaxed);
}

RedisPolicy::RedisPolicy(const Config& config, const std::string& limiter, plugin::BuildContext& context)
    : store_(context.redis(), config.key_space, limiter),
      watch_(watch_of(context)),
      fault_tolerant_(config.fault_tolerant) {
  if (config.sync_rate <= 0) return;
  const auto interval = static_cast<std::int64_t>(config.sync_rate * 1'000'000);
  leases_ = context.process<Leases>(limiter, [&] { return std::make_shared<Leases>(config.max_keys, interval); });
  leases_->store.set(config.max_keys, interval);
}

bool RedisPolicy::decide(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const {
  if (leases_ == nullptr) return false;
  memory.question = x.arena.make<LeasedStore::Question>();
  met.now_us = leases_->now_us();
  const auto decision =
      leases_->store.decide(asked.key, met.rule, asked.cost, asked.count, met.now_us, *memory.question);
  if (decision) met.decision = *decision;
  return decision.has_value();
}

Task<RedisPolicy::Result> RedisPolicy::ask(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const {
  memory.name = store_.name_of(x, asked.identity);
  const RedisStore::Answered answer =
      co_await store_.decide(x, memory.name, met.rule, asked.cost, asked.count, owed_of(memory, met.rule));
  const bool leased = leases_ != nullptr && settle_lease(asked, answer, met, memory);
  if (answer) {
    watch_->answered();
    memory.found = x.arena.make<Found>(answer->found);
    memory.ahead_us = answer->found.now_us - wall_clock_us();
    met.decision = answer->decision;
    met.now_us = answer->found.now_us;
    co_return Result::decided;
  }
  if (answer.error().fault == Fault::cancelled) co_return Result::cancelled;
  watch_->failed(answer.error(), fault_tolerant_);
  co_return leased ? Result::decided : Result::unknown;
}

/// True: the Redis has not answered, and the lease has decided.
bool RedisPolicy::settle_lease(const Asked& asked, const RedisStore::Answered& answer, Met& met,
                               const Memory& memory) const {
  if (answer) {
    leases_->ahead_us.store(answer->found.now_us - wall_clock_us(), std::memory_order_relaxed);
    leases_->store.settle(asked.key, met.rule, answer->found);
    return false;
  }
  const bool decides = fault_tolerant_ && answer.error().fault != Fault::cancelled;
  met.now_us = leases_->now_us();
  const auto decision =
      leases_->store.put_back(asked.key, met.rule, decides ? asked.cost : 0, asked.count, met.now_us, *memory.question);
  if (!decides || !decision) return false;
  met.decision = *decision;
  return true;
}

bool RedisPolicy::charge(plugin::Exchange& x, const Asked& asked, std::uint64_t cost, Met& met,
                         const Memory& memory) const {
  if (leases_ != nullptr) {
    const std::int64_t now = leases_->now_us();
    if (const auto decision = leases_->store.charge(asked.key, met.rule, cost, now)) {
      met.decision = *decision;
      met.now_us = now;
      return true;
    }
  }
  if (memory.found == nullptr) return false;
  store_.charge(x, memory.name, met.rule, cost);
  met.now_us = wall_clock_us() + memory.ahead_us;
  std::array<Count, kPeriods> counts = memory.found->counts;
  met.decision = rate_limiting::charge(met.rule, CountPointers(counts, met.rule), cost, met.now_us);
  return true;
}

}  // namespace gatehouse::plugins::rate_limiting
