#include "plugins/rate_limiting/redis_policy.h"

#include <algorithm>

#include "base/clock.h"
#include "base/scheduler.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

using Fault = RedisError::Fault;

/// Empty where nothing is owed.
std::span<const Late> owed_of(const LeasedStore::Question& question, const Rule& rule) {
  const std::span<const Late> all = std::span(question.owed).first(rule.limits.size());
  return std::ranges::any_of(all, [](const Late& each) { return each.amount != 0; }) ? all : std::span<const Late>();
}

}  // namespace

std::int64_t RedisPolicy::Leases::now_us() const {
  return wall_clock_us() + ahead_us.load(std::memory_order_relaxed);
}

RedisPolicy::RedisPolicy(const Config& config, const std::string& limiter, plugin::BuildContext& context)
    : store_(context.redis(), config.key_space, limiter),
      watch_(RedisWatch::of(context)),
      fault_tolerant_(config.fault_tolerant || config.dry_run) {
  if (config.sync_rate <= 0) return;
  const auto interval = static_cast<std::int64_t>(config.sync_rate * 1'000'000);
  leases_ = context.process<Leases>(limiter, [&] { return std::make_shared<Leases>(config.max_keys, interval); });
  leases_->store.set(config.max_keys, interval);
}

bool RedisPolicy::decide(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const {
  if (leases_ == nullptr) return false;
  memory.question = x.arena.make<LeasedStore::Question>();
  met.now_us = leases_->now_us();
  const auto decision = leases_->store.decide(asked.key, met.rule, asked.cost, asked.act, met.now_us, *memory.question);
  if (decision) met.decision = *decision;
  return decision.has_value();
}

/// A question of a lease on its way. The Redis executes what it has been sent, and the lease must know of it: so it
/// belongs to nobody who may leave. Who asks waits for it while he is there.
struct RedisPolicy::Flight {
  Flight(std::shared_ptr<Leases> of, std::shared_ptr<RedisWatch> told, const Asked& asked, const Rule& rule,
         const LeasedStore::Question& asks)
      : leases(std::move(of)),
        watch(std::move(told)),
        key(asked.key),
        cost(asked.cost),
        act(asked.act),
        algorithm(rule.algorithm),
        size(rule.limits.size()),
        question(asks) {
    std::ranges::copy(rule.limits, limits.begin());
  }

  void land(const RedisResult& reply, bool fault_tolerant) {
    const Rule rule{algorithm, std::span(limits).first(size)};
    const RedisStore::Answered told = RedisStore::answer_of(reply, rule, cost, act, owed_of(question, rule));
    if (told) {
      watch->answered();
      leases->ahead_us.store(told->found.now_us - wall_clock_us(), std::memory_order_relaxed);
      leases->store.settle(key, rule, told->found);
      answer = *told;
    } else {
      watch->failed(told.error(), fault_tolerant);
      now_us = leases->now_us();
      // What may have been counted there is not told again: it would count twice.
      if (told.error().sent) question.owed = {};
      const std::uint64_t owes = fault_tolerant && !told.error().sent ? cost : 0;
      const auto known = leases->store.put_back(key, rule, owes, act, now_us, question);
      if (fault_tolerant) decision = known;
    }
    landed = true;
    done.notify();
  }

  const std::shared_ptr<Leases> leases;
  const std::shared_ptr<RedisWatch> watch;
  const Hash128 key;
  const std::uint32_t cost;
  const Act act;
  const Algorithm algorithm;
  std::array<Limit, kPeriods> limits;
  const std::size_t size;
  LeasedStore::Question question;

  Signal done;
  bool landed = false;
  std::optional<RedisStore::Answer> answer;
  std::optional<Decision> decision;  ///< without an answer: the lease's, at `now_us`
  std::int64_t now_us = 0;
};

Task<RedisPolicy::Result> RedisPolicy::ask(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const {
  memory.name = store_.name_of(x, asked.identity);
  if (memory.question != nullptr) co_return co_await ask_leased(x, asked, met, memory);
  const RedisStore::Answered answer = co_await store_.decide(x, memory.name, met.rule, asked.cost, asked.act);
  if (answer) {
    watch_->answered();
    take(x, *answer, met, memory);
    co_return Result::decided;
  }
  if (answer.error().fault == Fault::cancelled) co_return Result::cancelled;
  watch_->failed(answer.error(), fault_tolerant_);
  co_return Result::unknown;
}

Task<RedisPolicy::Result> RedisPolicy::ask_leased(plugin::Exchange& x, const Asked& asked, Met& met,
                                                  Memory& memory) const {
  const auto flight = std::make_shared<Flight>(leases_, watch_, asked, met.rule, *memory.question);
  store_.send(x, memory.name, met.rule, asked.cost, asked.act, owed_of(*memory.question, met.rule),
              [flight, tolerant = fault_tolerant_](const RedisResult& reply) { flight->land(reply, tolerant); });
  if (!flight->landed) co_await until(flight->done, *x.scope, kNever);
  if (!flight->landed) co_return Result::cancelled;
  if (flight->answer) {
    take(x, *flight->answer, met, memory);
    co_return Result::decided;
  }
  if (!flight->decision) co_return Result::unknown;
  met.decision = *flight->decision;
  met.now_us = flight->now_us;
  co_return Result::decided;
}

void RedisPolicy::take(plugin::Exchange& x, const RedisStore::Answer& answer, Met& met, Memory& memory) const {
  memory.found = x.arena.make<Found>(answer.found);
  memory.ahead_us = answer.found.now_us - wall_clock_us();
  met.decision = answer.decision;
  met.now_us = answer.found.now_us;
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
