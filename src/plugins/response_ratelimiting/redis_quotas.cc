#include "plugins/response_ratelimiting/redis_quotas.h"

#include <algorithm>
#include <optional>

#include "base/scheduler.h"

namespace gatehouse::plugins::response_ratelimiting {
namespace {

/// Questions under way together. It belongs to them: who asked may leave.
struct Flight {
  explicit Flight(std::size_t questions) : awaited(questions), replies(questions) {}

  std::size_t awaited;
  std::vector<std::optional<rate_limiting::Found>> replies;  ///< by quota
  std::string fault;                                         ///< why one of them has no answer
  Signal done;

  void land(std::size_t quota, const RedisResult& reply, std::size_t limits) {
    if (reply) replies[quota] = rate_limiting::read_answer(*reply, limits);
    if (!replies[quota]) fault = reply ? "no answer of the script's" : std::string(reply.error().text);
    if (--awaited == 0 || !fault.empty()) done.notify();
  }
  bool over() const { return awaited == 0 || !fault.empty(); }
};

}  // namespace

RedisQuotas::RedisQuotas(const std::string& space, const std::string& limiter, std::span<const std::string> names,
                         bool fault_tolerant, plugin::BuildContext& context)
    : watch_(rate_limiting::RedisWatch::of(context)), fault_tolerant_(fault_tolerant) {
  for (const std::string& name : names) stores_.emplace_back(context.redis(), space, limiter + " " + name);
}

std::span<const std::string_view> RedisQuotas::names_of(plugin::Exchange& x, std::string_view identity) const {
  auto* const names = x.arena.array<std::string_view>(stores_.size());
  for (std::size_t i = 0; i < stores_.size(); ++i) names[i] = stores_[i].name_of(x, identity);
  return {names, stores_.size()};
}

Task<RedisQuotas::Result> RedisQuotas::decide(plugin::Exchange& x, std::span<const std::string_view> names,
                                              std::span<const Rule> rules, std::span<const std::uint64_t> costs,
                                              Act act, std::span<Decision> to) const {
  const auto flight = std::make_shared<Flight>(stores_.size());
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    stores_[i].send(
        x, names[i], rules[i], costs[i], act, {},
        [flight, i, limits = rules[i].limits.size()](const RedisResult& reply) { flight->land(i, reply, limits); });
  }
  if (!flight->over()) co_await until(flight->done, *x.scope, kNever);
  if (!flight->over()) co_return Result::cancelled;
  if (!flight->fault.empty()) {
    watch_->failed({RedisError::Fault::unavailable, flight->fault}, fault_tolerant_);
    co_return Result::unknown;
  }
  watch_->answered();
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    rate_limiting::Found found = *flight->replies[i];
    const rate_limiting::CountPointers counts(found.counts, rules[i]);
    to[i] = rate_limiting::decide(rules[i], counts, costs[i], act, found.now_us);
  }
  co_return Result::decided;
}

}  // namespace gatehouse::plugins::response_ratelimiting
