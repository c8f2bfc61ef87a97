#include "plugins/response_ratelimiting/redis_quotas.h"

#include <algorithm>
#include <optional>

#include "base/scheduler.h"

namespace gatehouse::plugins::response_ratelimiting {
namespace {

/// Questions under way together. It belongs to them: who asked may leave.
struct Flight {
  std::size_t awaited;
  std::vector<std::optional<rate_limiting::Found>> found;  ///< by quota
  std::string fault;                                       ///< why one of them has no answer
  Signal done;

  void land(std::size_t quota, const RedisResult& reply, const rate_limiting::Rule& rule) {
    if (reply) found[quota] = rate_limiting::read_answer(*reply, rule);
    if (!found[quota]) fault = reply ? "no answer of the script's" : std::string(reply.error().text);
    if (--awaited == 0) done.notify();
  }
};

}  // namespace

RedisQuotas::RedisQuotas(const std::string& space, const std::string& limiter, std::span<const std::string> names,
                         bool fault_tolerant, plugin::BuildContext& context)
    : watch_(rate_limiting::RedisWatch::of(context)), fault_tolerant_(fault_tolerant) {
  for (const std::string& name : names) stores_.emplace_back(context.redis(), space, limiter + " " + name);
}

Task<RedisQuotas::Result> RedisQuotas::look(plugin::Exchange& x, std::string_view identity, std::span<const Rule> rules,
                                            std::span<Found> found) const {
  const auto flight = std::make_shared<Flight>();
  flight->awaited = stores_.size();
  flight->found.resize(stores_.size());
  for (std::size_t i = 0; i < stores_.size(); ++i) {
    stores_[i].send(x, stores_[i].name_of(x, identity), rules[i], 1, rate_limiting::Act::look, {},
                    [flight, i, rule = rules[i]](const RedisResult& reply) { flight->land(i, reply, rule); });
  }
  if (flight->awaited != 0) co_await until(flight->done, *x.scope, kNever);
  if (flight->awaited != 0) co_return Result::cancelled;
  if (!flight->fault.empty()) {
    watch_->failed({RedisError::Fault::unavailable, flight->fault}, fault_tolerant_);
    co_return Result::unknown;
  }
  watch_->answered();
  std::ranges::transform(flight->found, found.begin(), [](const auto& each) { return *each; });
  co_return Result::known;
}

void RedisQuotas::spend(plugin::Exchange& x, std::string_view identity, std::size_t quota, const Rule& rule,
                        std::uint64_t cost) const {
  stores_[quota].charge(x, stores_[quota].name_of(x, identity), rule, cost);
}

}  // namespace gatehouse::plugins::response_ratelimiting
