#include <algorithm>
#include <span>

#include "base/clock.h"
#include "base/scheduler.h"
#include "plugin/build_context.h"
#include "plugins/common/field_lines.h"
#include "plugins/rate_limiting/answer.h"
#include "plugins/rate_limiting/identity.h"
#include "plugins/rate_limiting/store.h"
#include "plugins/rate_limiting/written_cost.h"
#include "plugins/response_ratelimiting/config.h"
#include "plugins/response_ratelimiting/redis_quotas.h"

namespace gatehouse::plugins::response_ratelimiting {
namespace {

using plugin::Exchange;
using plugin::Verdict;
using rate_limiting::Act;
using rate_limiting::Decision;
using rate_limiting::Limit;
using rate_limiting::LocalStore;
using rate_limiting::Policy;
using rate_limiting::Rule;

/// One of the quotas.
struct Quota {
  std::string name;
  std::vector<Limit> limits;
  std::string for_service;                           ///< X-RateLimit-Remaining-NAME
  std::vector<std::string> limit_names, left_names;  ///< for clients, by limit
  Hash128 salt;
};

/// What one exchange has met; in its arena.
struct Memory {
  std::span<const std::string_view> names;  ///< of the keys in the Redis, by quota
  Hash128 key;
  Decision* decisions;   ///< by quota; null until it is known what is left
  std::uint64_t* costs;  ///< by quota; null until there is an answer
  bool in_redis;         ///< the Redis has said what is left, and is to count
};

class ResponseRateLimiting : public plugin::Plugin {
 public:
  ResponseRateLimiting(Config config, std::vector<Quota> quotas, std::shared_ptr<LocalStore> store,
                       std::unique_ptr<const RedisQuotas> redis)
      : config_(std::move(config)),
        quotas_(std::move(quotas)),
        ones_(quotas_.size(), 1),
        store_(std::move(store)),
        redis_(std::move(redis)) {
    who_.limit_by = {config_.limit_by};
    for (const Quota& quota : quotas_) rules_.push_back({rate_limiting::Algorithm::fixed_window, quota.limits});
  }

  Verdict on_request(Exchange& x) const noexcept override {
    Memory& memory = x.state<Memory>(*this);
    const std::string_view identity = rate_limiting::identity_of(x, who_);
    memory.key = keyed_hash(identity);
    if (redis_ != nullptr && x.scope != nullptr) {
      memory.names = redis_->names_of(x, identity);
      return Verdict::suspend;
    }
    memory.decisions = x.arena.array<Decision>(quotas_.size());
    decide_here(memory, ones_, Act::look);
    return begin(x, memory);
  }

  /// The Redis is asked what is left.
  Task<Verdict> on_request_async(Exchange& x) const override {
    Memory& memory = x.state<Memory>(*this);
    Decision* const decisions = x.arena.array<Decision>(quotas_.size());
    switch (co_await redis_->decide(x, memory.names, rules_, ones_, Act::look, {decisions, quotas_.size()})) {
      case RedisQuotas::Result::cancelled:
        co_return x.refuse(x.scope->reason());
      case RedisQuotas::Result::unknown:
        if (!config_.fault_tolerant) co_return x.refuse(Reason::internal);
        memory.decisions = decisions;
        decide_here(memory, ones_, Act::look);
        break;
      case RedisQuotas::Result::decided:
        memory.decisions = decisions;
        memory.in_redis = true;
    }
    co_return begin(x, memory);
  }

  Verdict on_response(Exchange& x) const noexcept override {
    if (x.find_state<Memory>(*this) == nullptr) return Verdict::proceed;
    Memory& memory = x.state<Memory>(*this);
    if (memory.decisions == nullptr) return Verdict::proceed;
    if (memory.costs == nullptr) {
      read_costs(x, memory);
      if (memory.in_redis && spends(memory) != 0) return Verdict::suspend;
      if (!memory.in_redis && !spend_here(memory)) return refuse(x);  // the hooks run again, for that answer
    }
    return end(x, memory);
  }

  /// The Redis is asked to take what the answer says.
  Task<Verdict> on_response_async(Exchange& x) const override {
    Memory& memory = x.state<Memory>(*this);
    const std::span<Decision> decisions(memory.decisions, quotas_.size());
    for (const Act act : {Act::look, Act::take}) {
      if (act == Act::look && spends(memory) == 1) continue;  // it is taken or not
      switch (co_await redis_->decide(x, memory.names, rules_, costs_of(memory), act, decisions)) {
        case RedisQuotas::Result::cancelled:
          co_return x.refuse(x.scope->reason());
        case RedisQuotas::Result::unknown:
          if (!config_.fault_tolerant) co_return x.refuse(Reason::internal);
          co_return spend_here(memory) ? end(x, memory) : refuse(x);
        case RedisQuotas::Result::decided:
          if (any_refused(memory)) co_return refuse(x);
      }
    }
    co_return end(x, memory);
  }

 private:
  /// Tells the service what is left.
  Verdict begin(Exchange& x, const Memory& memory) const {
    if (config_.block_on_first_violation && any_refused(memory)) return refuse(x);
    for (std::size_t i = 0; i < quotas_.size(); ++i) {
      const std::uint64_t left = least(quotas_[i], memory.decisions[i]);
      x.request.fields.set(quotas_[i].for_service, rate_limiting::number(x.arena, left));
    }
    return Verdict::proceed;
  }

  Verdict end(Exchange& x, const Memory& memory) const {
    if (!config_.hide_client_headers) tell(x, memory);
    return Verdict::proceed;
  }

  void decide_here(Memory& memory, std::span<const std::uint64_t> costs, Act act) const {
    const std::int64_t now = wall_clock_us();
    for (std::size_t i = 0; i < quotas_.size(); ++i) {
      const Hash128 salt = quotas_[i].salt;
      const Hash128 key{memory.key.high ^ salt.high, memory.key.low ^ salt.low};
      memory.decisions[i] = store_->decide(key, rules_[i], costs[i], act, now);
      if (act == Act::take && memory.decisions[i].refused) return;
    }
  }

  /// Takes what the answer says from the quotas. False: one of them has not that much; then nothing is taken.
  bool spend_here(Memory& memory) const {
    for (const Act act : {Act::look, Act::take}) {
      decide_here(memory, costs_of(memory), act);
      if (any_refused(memory)) return false;
    }
    return true;
  }

  std::span<const std::uint64_t> costs_of(const Memory& memory) const { return {memory.costs, quotas_.size()}; }
  /// How many quotas the answer takes something of.
  std::size_t spends(const Memory& memory) const {
    return static_cast<std::size_t>(std::ranges::count_if(costs_of(memory), [](auto cost) { return cost != 0; }));
  }
  bool any_refused(const Memory& memory) const {
    return std::ranges::any_of(std::span(memory.decisions, quotas_.size()), &Decision::refused);
  }

  /// What the answer takes, by quota, out of the service's field, which it loses.
  void read_costs(Exchange& x, Memory& memory) const {
    const std::string_view written = x.replied ? "" : joined_lines(x.response.fields, config_.header_name).value_or("");
    if (!x.replied) x.response.fields.remove(config_.header_name);
    memory.costs = x.arena.array<std::uint64_t>(quotas_.size());
    for (std::size_t i = 0; i < quotas_.size(); ++i) memory.costs[i] = cost_in(written, quotas_[i].name);
  }

  static std::uint64_t least(const Quota& quota, const Decision& decision) {
    std::uint64_t least = UINT64_MAX;
    for (std::size_t i = 0; i < quota.limits.size(); ++i) least = std::min(least, decision.standings[i].remaining);
    return least;
  }

  /// What `video=2, sms` takes of the quota of that name.
  static std::uint64_t cost_in(std::string_view written, std::string_view name) {
    const auto trimmed = [](std::string_view text) {
      while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
      while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
      return text;
    };
    std::uint64_t sum = 0;
    while (!written.empty()) {
      const std::size_t comma = std::min(written.find(','), written.size());
      const std::string_view part = written.substr(0, comma);
      written.remove_prefix(std::min(comma + 1, written.size()));
      const std::size_t sign = std::min(part.find('='), part.size());
      if (trimmed(part.substr(0, sign)) != name) continue;
      const std::string_view number = sign < part.size() ? trimmed(part.substr(sign + 1)) : std::string_view();
      sum = std::min(sum + rate_limiting::written_cost(number).value_or(1), kMostInPeriod);
    }
    return sum;
  }

  Verdict refuse(Exchange& x) const {
    return x.refuse(Reason::rate_limited, config_.error_message, config_.error_code);
  }

  void tell(Exchange& x, const Memory& memory) const {
    for (std::size_t i = 0; i < quotas_.size(); ++i) {
      const Quota& quota = quotas_[i];
      for (std::size_t j = 0; j < quota.limits.size(); ++j) {
        const std::uint64_t left = memory.decisions[i].standings[j].remaining;
        x.response.fields.set(quota.limit_names[j], rate_limiting::number(x.arena, quota.limits[j].most));
        x.response.fields.set(quota.left_names[j], rate_limiting::number(x.arena, left));
      }
    }
  }

  const Config config_;
  rate_limiting::Config who_;
  const std::vector<Quota> quotas_;
  std::vector<Rule> rules_;                ///< by quota
  const std::vector<std::uint64_t> ones_;  ///< by quota: what a look asks for
  const std::shared_ptr<LocalStore> store_;
  const std::unique_ptr<const RedisQuotas> redis_;  ///< null: this process counts
};

std::vector<Quota> quotas_of(const Config& config) {
  constexpr std::string_view kPeriods[] = {"Second", "Minute", "Hour", "Day", "Month", "Year"};
  std::vector<Quota> quotas;
  for (const auto& [name, written] : config.limits) {
    Quota& quota = quotas.emplace_back();
    quota.name = name;
    quota.limits = rate_limiting::limits_of(written, {});
    quota.salt = keyed_hash(name);
    quota.for_service = "X-RateLimit-Remaining-" + name;
    for (const Limit& limit : quota.limits) {
      const std::string period(kPeriods[static_cast<std::size_t>(limit.period)]);
      quota.limit_names.push_back("X-RateLimit-Limit-" + name + "-" + period);
      quota.left_names.push_back("X-RateLimit-Remaining-" + name + "-" + period);
    }
  }
  return quotas;
}

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("response-ratelimiting", "Quotas that the service's answers spend.", 900, options());
  info.needs_redis = [](const config::Node* config) {
    return options().read(config).policy == Policy::redis ? std::string("policy") : std::string();
  };
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  Config config = options().read(node);
  const std::string identity = "response-ratelimiting " + context.scope();
  auto store = context.process<LocalStore>(identity, [&] { return std::make_shared<LocalStore>(config.max_keys); });
  store->set_most(config.max_keys);
  std::vector<Quota> quotas = quotas_of(config);
  std::unique_ptr<const RedisQuotas> redis;
  if (config.policy == Policy::redis) {
    std::vector<std::string> names;
    for (const Quota& quota : quotas) names.push_back(quota.name);
    redis = std::make_unique<const RedisQuotas>(config.key_space, identity, names, config.fault_tolerant, context);
  }
  return std::make_shared<ResponseRateLimiting>(std::move(config), std::move(quotas), std::move(store),
                                                std::move(redis));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "response-ratelimiting",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<ResponseRateLimiting>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::response_ratelimiting
