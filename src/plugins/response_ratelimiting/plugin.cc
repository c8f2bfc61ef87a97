#include <algorithm>
#include <span>

#include "base/clock.h"
#include "plugin/build_context.h"
#include "plugins/common/field_lines.h"
#include "plugins/rate_limiting/answer.h"
#include "plugins/rate_limiting/config.h"
#include "plugins/rate_limiting/identity.h"
#include "plugins/rate_limiting/store.h"
#include "plugins/rate_limiting/written_cost.h"

namespace gatehouse::plugins::response_ratelimiting {
namespace {

using plugin::Exchange;
using plugin::Verdict;
using rate_limiting::Decision;
using rate_limiting::Limit;
using rate_limiting::LimitBy;
using rate_limiting::LocalStore;
using rate_limiting::WrittenLimits;

enum class Policy : std::uint8_t { local };

struct Config {
  std::vector<std::pair<std::string, WrittenLimits>> limits;
  std::string header_name = "X-Kong-Limit";
  LimitBy limit_by = LimitBy::consumer;
  bool block_on_first_violation = false;
  bool hide_client_headers = false;
  Policy policy = Policy::local;
  std::uint32_t max_keys = 1'000'000;
  int error_code = 429;
  std::string error_message = "the quota is used up";
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .require("limits", &Config::limits, config::map_of(rate_limiting::limits_table().nested()),
                   "Quotas by name, each with one or several periods.")
          .add("header_name", &Config::header_name, config::header_name(false),
               "The field of the service's answer that says what it takes: `video=2, sms`. It is taken out.")
          .add("limit_by", &Config::limit_by, config::choice<LimitBy>({"consumer", "credential", "ip"}),
               "Who has quotas of its own; the address stands in for who is not known.")
          .add("block_on_first_violation", &Config::block_on_first_violation, config::boolean(),
               "Asks the service nothing any more when one of the quotas is used up.")
          .add("hide_client_headers", &Config::hide_client_headers, config::boolean(), "Tells clients nothing.")
          .add("policy", &Config::policy, config::choice<Policy>({"local"}), "Where counts are kept: in this process.")
          .add("max_keys", &Config::max_keys, config::integer(1000, 100'000'000),
               "At most so many counts are kept, or 4096 if that is more; each takes some 100 bytes.")
          .add("error_code", &Config::error_code, config::integer(400, 599), "The status of a refusal.")
          .add("error_message", &Config::error_message, config::non_empty(), "What it says.")
          .later({"redis", "fault_tolerant"})
          .check_node([](const Config& config, const config::Node& node, const config::Where& at) {
            const config::Node& limits = *node.find("limits");
            const config::Where here = at.key("limits", limits.mark());
            if (config.limits.empty()) here.error("names no quota");
            std::vector<std::string_view> seen;
            for (const auto& [name, written] : config.limits) {
              const config::Where quota = here.key(name, limits.find(name)->mark());
              if (const std::string fault = config::check_name(name); !fault.empty()) quota.error(fault);
              if (rate_limiting::limits_of(written, {}).empty()) quota.error("needs a limit, such as \"minute\"");
              if (std::ranges::any_of(seen, [&](std::string_view each) { return http::equal_names(each, name); }))
                quota.error("has the fields of another quota, whose name differs in case only");
              seen.push_back(name);
            }
          });
  return table;
}

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
  Hash128 key;
  Decision* decisions;  ///< by quota; null until there is an answer
};

class ResponseRateLimiting : public plugin::Plugin {
 public:
  ResponseRateLimiting(Config config, std::shared_ptr<LocalStore> store)
      : config_(std::move(config)), store_(std::move(store)) {
    who_.limit_by = {config_.limit_by};
    constexpr std::string_view kPeriods[] = {"Second", "Minute", "Hour", "Day", "Month", "Year"};
    for (const auto& [name, written] : config_.limits) {
      Quota& quota = quotas_.emplace_back();
      quota.name = name;
      quota.limits = rate_limiting::limits_of(written, who_);
      quota.salt = keyed_hash(name);
      quota.for_service = "X-RateLimit-Remaining-" + name;
      for (const Limit& limit : quota.limits) {
        const std::string period(kPeriods[static_cast<std::size_t>(limit.period)]);
        quota.limit_names.push_back("X-RateLimit-Limit-" + name + "-" + period);
        quota.left_names.push_back("X-RateLimit-Remaining-" + name + "-" + period);
      }
    }
  }

  Verdict on_request(Exchange& x) const noexcept override {
    Memory& memory = x.state<Memory>(*this);
    memory.key = keyed_hash(rate_limiting::identity_of(x, who_));
    const std::int64_t now = wall_clock_us();
    for (const Quota& quota : quotas_) {
      const Decision decision = decide(memory, quota, 1, false, now);
      if (decision.refused && config_.block_on_first_violation) return refuse(x);
      x.request.fields.set(quota.for_service, rate_limiting::number(x.arena, least(quota, decision)));
    }
    return Verdict::proceed;
  }

  Verdict on_response(Exchange& x) const noexcept override {
    if (x.find_state<Memory>(*this) == nullptr) return Verdict::proceed;
    Memory& memory = x.state<Memory>(*this);
    const bool first = memory.decisions == nullptr;
    const bool fits = first ? spend(x, memory) : true;
    if (!fits) return refuse(x);  // the hooks run again, for that answer
    if (!config_.hide_client_headers) tell(x, memory);
    return Verdict::proceed;
  }

 private:
  Decision decide(const Memory& memory, const Quota& quota, std::uint64_t cost, bool count, std::int64_t now) const {
    const Hash128 key{memory.key.high ^ quota.salt.high, memory.key.low ^ quota.salt.low};
    return store_->decide(key, {rate_limiting::Algorithm::fixed_window, quota.limits}, cost, count, now);
  }

  static std::uint64_t least(const Quota& quota, const Decision& decision) {
    std::uint64_t least = UINT64_MAX;
    for (std::size_t i = 0; i < quota.limits.size(); ++i) least = std::min(least, decision.standings[i].remaining);
    return least;
  }

  /// Takes what the answer says from the quotas. False: one of them has not that much; then nothing is taken.
  bool spend(Exchange& x, Memory& memory) const {
    const std::string_view written = x.replied ? "" : joined_lines(x.response.fields, config_.header_name).value_or("");
    if (!x.replied) x.response.fields.remove(config_.header_name);
    memory.decisions = x.arena.array<Decision>(quotas_.size());
    const std::int64_t now = wall_clock_us();
    bool fits = true;
    for (const bool take : {false, true}) {
      for (std::size_t i = 0; i < quotas_.size() && (fits || !take); ++i) {
        memory.decisions[i] = decide(memory, quotas_[i], cost_in(written, quotas_[i].name), take, now);
        fits = fits && !memory.decisions[i].refused;
      }
    }
    return fits;
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
  std::vector<Quota> quotas_;
  const std::shared_ptr<LocalStore> store_;
};

config::PluginInfo info() {
  return config::plugin_info("response-ratelimiting", "Quotas that the service's answers spend.", 900, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  Config config = options().read(node);
  auto store = context.process<LocalStore>("response-ratelimiting " + context.scope(),
                                           [&] { return std::make_shared<LocalStore>(config.max_keys); });
  store->set_most(config.max_keys);
  return std::make_shared<ResponseRateLimiting>(std::move(config), std::move(store));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "response-ratelimiting",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<ResponseRateLimiting>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::response_ratelimiting
