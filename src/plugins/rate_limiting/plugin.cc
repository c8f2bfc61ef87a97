#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/scheduler.h"
#include "plugin/build_context.h"
#include "plugin/claims.h"
#include "plugin/counter.h"
#include "plugins/common/field_lines.h"
#include "plugins/rate_limiting/answer.h"
#include "plugins/rate_limiting/config.h"
#include "plugins/rate_limiting/identity.h"
#include "plugins/rate_limiting/redis_policy.h"
#include "plugins/rate_limiting/store.h"
#include "plugins/rate_limiting/written_cost.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

using plugin::Exchange;
using plugin::Verdict;

/// Where the engine's own instance stands that holds the tiers' limits on every route.
constexpr std::string_view kTiersScope = "tiers /(tiers)";

/// What of a limiter outlives configurations.
struct Counts {
  explicit Counts(std::size_t most) : store(most) {}
  LocalStore store;
  Connections connections;
};

/// A request under way, in its exchange's arena.
struct Held {
  std::shared_ptr<Counts> counts;
  Hash128 key;
  bool under_way = true;

  void let_go() {
    if (std::exchange(under_way, false)) counts->connections.give_back(key);
  }
  static void end(void* held) {
    static_cast<Held*>(held)->let_go();
    static_cast<Held*>(held)->~Held();
  }
};

/// What one limiter keeps of one request.
struct Memory {
  Met met;
  Asked asked;
  Held* held;  ///< null: it has no place among those under way
  RedisPolicy::Memory redis;
  bool decided;
  bool charged;  ///< the answer has been looked at; another that replaces it is not
};

/// Whom limiters with `dry_run` would have refused.
struct DryRefusals {
  explicit DryRefusals(plugin::BuildContext& context)
      : by_limits(counter(context, "limits")), by_connections(counter(context, "connections")) {}
  static std::shared_ptr<plugin::Counter> counter(plugin::BuildContext& context, std::string_view by) {
    return context.counter("gatehouse_ratelimit_dry_run_refusals_total",
                           "Requests that rate-limiting with dry_run would have refused.", {"by", by});
  }
  const std::shared_ptr<plugin::Counter> by_limits, by_connections;
};

class RateLimiting : public plugin::Plugin {
 public:
  RateLimiting(Config config, std::shared_ptr<Counts> counts, std::unique_ptr<const RedisPolicy> redis, bool of_tiers,
               std::unique_ptr<const DryRefusals> dry)
      : config_(std::move(config)),
        own_(limits_of(config_, config_)),
        style_(config_),
        act_(!config_.count_statuses.empty() ? Act::look
             : config_.count_rejected        ? Act::add
                                             : Act::take),
        counts_(std::move(counts)),
        redis_(std::move(redis)),
        of_tiers_(of_tiers),
        dry_(std::move(dry)) {
    for (const auto& [name, written] : config_.tiers) tiers_.emplace_back(name, limits_of(written, config_));
  }

  Verdict on_request(Exchange& x) const noexcept override {
    if (is_exempt(x, config_.exempt)) return Verdict::proceed;
    Memory& memory = x.state<Memory>(*this);
    const std::string_view identity = choose(x, memory.met.rule);
    if (memory.met.rule.limits.empty() && config_.connections == 0) return Verdict::proceed;
    memory.asked = {keyed_hash(identity), identity, cost_of(x), act_};
    if (config_.connections != 0) {
      memory.held = hold(x, memory.asked.key);
      if (memory.held == nullptr && dry_ == nullptr) return refuse(x);
      if (memory.held == nullptr) say_dry(x, *dry_->by_connections);
    }
    if (memory.met.rule.limits.empty()) return Verdict::proceed;
    if (redis_ != nullptr && x.scope != nullptr) {
      if (!redis_->decide(x, memory.asked, memory.met, memory.redis)) return Verdict::suspend;
      return settle(x, memory);
    }
    decide_here(memory);
    return settle(x, memory);
  }

  /// The Redis is asked, and the request waits for its turn. A client that leaves ends both.
  Task<Verdict> on_request_async(Exchange& x) const override {
    Memory& memory = x.state<Memory>(*this);
    if (!memory.decided) {
      const RedisPolicy::Result result = co_await redis_->ask(x, memory.asked, memory.met, memory.redis);
      if (result == RedisPolicy::Result::cancelled) co_return x.refuse(x.scope->reason());
      if (result == RedisPolicy::Result::unknown) {
        if (!config_.fault_tolerant && !config_.dry_run) co_return x.refuse(Reason::internal);
        decide_here(memory);
      }
      if (const Verdict verdict = settle(x, memory); verdict != Verdict::suspend) co_return verdict;
    }
    const std::int64_t delay = memory.met.decision.delay_us;
    const TimePoint turn = deadline_after(x.scope->scheduler().now(), std::chrono::microseconds(delay));
    if (co_await until(*x.scope, turn) == Outcome::timeout) co_return Verdict::proceed;
    co_return x.refuse(x.scope->reason());
  }

  Verdict on_response(Exchange& x) const noexcept override {
    const std::uint64_t told = take_cost_header(x);  // whoever asks, it is not for clients
    if (x.find_state<Memory>(*this) == nullptr) return Verdict::proceed;
    Memory& memory = x.state<Memory>(*this);
    if (!memory.decided) return Verdict::proceed;
    Decision& decision = memory.met.decision;
    if (!decision.refused || config_.dry_run) {
      const std::uint64_t cost = std::exchange(memory.charged, true) ? 0 : later_cost(x, memory, told);
      if (cost != 0) charge(x, memory, cost);
    } else {
      tell_when(x, decision);
    }
    if (!style_.none()) tell(x);
    return Verdict::proceed;
  }

 private:
  void decide_here(Memory& memory) const {
    Met& met = memory.met;
    met.now_us = wall_clock_us();
    const Asked& asked = memory.asked;
    met.decision = counts_->store.decide(asked.key, met.rule, asked.cost, asked.act, met.now_us);
  }

  /// What becomes of a request that has been decided.
  Verdict settle(Exchange& x, Memory& memory) const {
    const Decision& decision = memory.met.decision;
    memory.decided = true;
    memory.met.style = &style_;
    note(x, memory.met);
    if (dry_ != nullptr) {
      if (decision.refused) say_dry(x, *dry_->by_limits);
      return Verdict::proceed;
    }
    if (decision.refused) {
      if (memory.held != nullptr) memory.held->let_go();
      return refuse(x);
    }
    return decision.delay_us != 0 && x.scope != nullptr ? Verdict::suspend : Verdict::proceed;
  }

  /// Counts afterwards, where the decision was made.
  void charge(Exchange& x, Memory& memory, std::uint64_t cost) const {
    Met& met = memory.met;
    if (redis_ != nullptr && x.scope != nullptr && redis_->charge(x, memory.asked, cost, met, memory.redis)) return;
    met.now_us = wall_clock_us();
    met.decision = counts_->store.charge(memory.asked.key, met.rule, cost, met.now_us);
  }

  /// The limits of the request; gives whose count it is.
  std::string_view choose(Exchange& x, Rule& rule) const {
    rule = {config_.algorithm, own_};
    if (of_tiers_ && x.credential != nullptr && x.credential->rate_limit) {
      const Rate& rate = *x.credential->rate_limit;
      rule.limits = {x.arena.make<Limit>(rate.period, rate.most, rate.most, std::uint64_t{0}), 1};
      return identity_of_credential(x);
    }
    const auto tier =
        std::ranges::find(tiers_, tier_of(x), [](const auto& each) -> const std::string& { return each.first; });
    if (tier != tiers_.end()) rule.limits = tier->second;
    if (!of_tiers_) return identity_of(x, config_);
    return x.consumer != nullptr ? identity_of_consumer(x) : std::string_view();
  }

  std::string_view tier_of(Exchange& x) const {
    if (tiers_.empty()) return {};
    if (config_.tier_by == TierBy::claim)
      return x.claims != nullptr ? x.claims->text(config_.tier_claim, x.arena).value_or("") : "";
    if (x.credential != nullptr && !x.credential->tier.empty()) return x.credential->tier;
    return x.consumer != nullptr ? std::string_view(x.consumer->tier) : std::string_view();
  }

  std::uint32_t cost_of(const Exchange& x) const {
    const auto is_about = [&](const SomeCost& each, std::string_view method) {
      const auto names = [](const std::vector<std::string>& all, std::string_view one) {
        return all.empty() || std::ranges::find(all, one) != all.end();
      };
      return names(each.methods, method) && names(each.routes, x.route);
    };
    const bool head = x.request.method_text == "HEAD";
    for (const SomeCost& each : config_.costs) {
      if (is_about(each, x.request.method_text) || (head && is_about(each, "GET"))) return each.cost;
    }
    return config_.cost;
  }

  /// What the service's answer says in all lines of `cost_header`, which it loses.
  std::uint64_t take_cost_header(Exchange& x) const {
    std::uint64_t cost = 0;
    if (config_.cost_header.empty() || x.replied) return cost;
    each_line(x.response.fields, config_.cost_header,
              [&](std::string_view text) { cost = std::min(cost + written_cost(text).value_or(0), kMostInPeriod); });
    x.response.fields.remove(config_.cost_header);
    return cost;
  }

  /// What the request takes besides what was counted before: `cost`, and itself where its answer decides that.
  std::uint64_t later_cost(const Exchange& x, const Memory& memory, std::uint64_t cost) const {
    if (config_.count_statuses.empty()) return cost;
    const bool counts = std::ranges::find(config_.count_statuses, x.response.status) != config_.count_statuses.end();
    return counts ? cost + memory.asked.cost : 0;
  }

  /// Null: as many are under way as may be.
  Held* hold(Exchange& x, const Hash128& key) const {
    if (!counts_->connections.take(key, config_.connections)) return nullptr;
    Held* const held = new (x.arena.allocate(sizeof(Held), alignof(Held))) Held{counts_, key};
    x.at_end(&Held::end, held);
    return held;
  }

  Verdict refuse(Exchange& x) const {
    if (!config_.response.empty()) return x.refuse_with(Reason::rate_limited, config_.response, config_.error_code);
    return x.refuse(Reason::rate_limited, config_.error_message, config_.error_code);
  }

  void say_dry(const Exchange& x, plugin::Counter& counter) const {
    counter.add();
    GH_LOG_LIMITED(info, 5, "rate-limiting would refuse (dry_run) route={} client_ip={} request_id={}", x.route,
                   x.client_ip_text, x.request_id);
  }

  const Config config_;
  const std::vector<Limit> own_;
  std::vector<std::pair<std::string, std::vector<Limit>>> tiers_;
  const Style style_;
  const Act act_;  ///< before the answer is known
  const std::shared_ptr<Counts> counts_;
  const std::unique_ptr<const RedisPolicy> redis_;  ///< null: this process decides
  const bool of_tiers_;
  const std::unique_ptr<const DryRefusals> dry_;  ///< null: no dry run
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("rate-limiting", "Refuses requests beyond a number in a time.", 910, options());
  info.needs_redis = [](const config::Node* config) {
    return options().read(config).policy == Policy::redis ? std::string("policy") : std::string();
  };
  info.needs_caller = key_that_needs_caller;
  info.references = [by_table = info.references](const config::Node* config) {
    config::References found = by_table(config);
    add_tiers(config, found);
    add_routes(config, found);
    return found;
  };
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  Config config = options().read(node);
  const std::string identity =
      "rate-limiting " + std::to_string(static_cast<int>(config.algorithm)) + " " + context.scope();
  auto counts = context.process<Counts>(identity, [&] { return std::make_shared<Counts>(config.max_keys); });
  counts->store.set_most(config.max_keys);
  std::unique_ptr<const RedisPolicy> redis;
  if (config.policy == Policy::redis) redis = std::make_unique<const RedisPolicy>(config, identity, context);
  std::unique_ptr<const DryRefusals> dry;
  if (config.dry_run) dry = std::make_unique<const DryRefusals>(context);
  return std::make_shared<RateLimiting>(std::move(config), std::move(counts), std::move(redis),
                                        context.scope() == kTiersScope, std::move(dry));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "rate-limiting",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<RateLimiting>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::rate_limiting
