#include <algorithm>
#include <array>
#include <charconv>

#include "base/clock.h"
#include "base/sharded_table.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/rate_limiting/limiter.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

using plugin::Exchange;

constexpr std::size_t kMostKeys = 1'000'000;
constexpr std::string_view kPeriodNames[kPeriods] = {"Second", "Minute", "Hour", "Day", "Month", "Year"};

enum class LimitBy : std::uint8_t { consumer, credential, ip, header, path, route, service };
enum class HeaderStyle : std::uint8_t { kong, draft, none };

struct Config {
  std::optional<std::uint32_t> second, minute, hour, day, month, year;
  std::vector<LimitBy> limit_by{LimitBy::consumer};
  std::string header_name;
  int ipv4_prefix = 32, ipv6_prefix = 64;
  Algorithm algorithm = Algorithm::fixed_window;
  std::optional<std::uint32_t> burst;
  HeaderStyle header_style = HeaderStyle::kong;
  std::vector<std::string> headers{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"};
  bool hide_client_headers = false;
  bool dry_run = false;
  int error_code = 429;
  std::string error_message = "too many requests";
};

std::vector<Limit> limits_of(const Config& config) {
  const std::optional<std::uint32_t> all[kPeriods] = {config.second, config.minute, config.hour,
                                                      config.day,    config.month,  config.year};
  std::vector<Limit> limits;
  for (std::size_t i = 0; i < kPeriods; ++i) {
    if (all[i]) limits.push_back({static_cast<Period>(i), *all[i], config.burst.value_or(*all[i])});
  }
  return limits;
}

const config::Options<Config>& options() {
  constexpr std::uint32_t kMost = 1'000'000'000;
  static const auto table =
      config::Options<Config>()
          .add("second", &Config::second, config::integer(1, kMost), "Requests a second.")
          .add("minute", &Config::minute, config::integer(1, kMost), "Requests a minute.")
          .add("hour", &Config::hour, config::integer(1, kMost), "Requests an hour.")
          .add("day", &Config::day, config::integer(1, kMost), "Requests a day.")
          .add("month", &Config::month, config::integer(1, kMost), "Requests a month.")
          .add("year", &Config::year, config::integer(1, kMost), "Requests a year.")
          .add(
              "limit_by", &Config::limit_by,
              config::list_or_one(
                  config::choice<LimitBy>({"consumer", "credential", "ip", "header", "path", "route", "service"}), 1),
              "Who or what has a limit of its own; several together. The client's address stands in for what a request "
              "does not have.")
          .add("header_name", &Config::header_name, config::header_name(false), "For `limit_by: header`.")
          .add("ipv4_prefix", &Config::ipv4_prefix, config::integer(1, 32), "Addresses that share these bits are one.")
          .add("ipv6_prefix", &Config::ipv6_prefix, config::integer(1, 128), "The same for IPv6.")
          .add("algorithm", &Config::algorithm,
               config::choice<Algorithm>({"fixed-window", "sliding-window", "token-bucket"}),
               "How requests are counted.")
          .add("burst", &Config::burst, config::integer(1, kMost),
               "Of `token-bucket`: requests that may come at once; the limit itself without it.")
          .add("header_style", &Config::header_style, config::choice<HeaderStyle>({"kong", "draft", "none"}),
               "What clients are told: a field for each window, the three of the IETF's draft, or nothing.")
          .add("headers", &Config::headers, config::list(config::header_name()),
               "Of `header_style: kong`: which fields are sent; limit and remaining get the window's name behind them.")
          .add("hide_client_headers", &Config::hide_client_headers, config::boolean(), "As `header_style: none`.")
          .add("dry_run", &Config::dry_run, config::boolean(), "Counts and tells, but refuses nothing.")
          .add("error_code", &Config::error_code, config::integer(400, 599), "The status of a refusal.")
          .add("error_message", &Config::error_message, config::non_empty(), "What it says.")
          .later({"policy", "redis", "fault_tolerant", "sync_rate", "identifier", "tiers", "cost", "exempt", "claim",
                  "delay", "namespace"})
          .check([](const Config& config, const config::Where& at) {
            if (limits_of(config).empty())
              at.error("needs one of \"second\", \"minute\", \"hour\", \"day\", \"month\" and \"year\"");
            const bool by_header = std::ranges::find(config.limit_by, LimitBy::header) != config.limit_by.end();
            if (by_header && config.header_name.empty()) at.error("needs \"header_name\" for limit_by: header");
            if (config.burst && config.algorithm != Algorithm::token_bucket)
              at.error("has a \"burst\", which only algorithm: token-bucket knows");
          });
  return table;
}

/// What the whole process counts, whichever configuration is in force.
struct Counts {
  ShardedTable<Count> table{kMostKeys};
  /// Who finds no room in the table shares a count with all who do not: a flood of keys resets nobody's limit.
  ShardedTable<Count> crowd{1};
};

/// What was decided for a request, for the response's fields.
struct Decision {
  std::array<std::uint64_t, kPeriods> remaining;
  std::size_t least;  ///< the limit with least remaining
  std::int64_t reset_us, now_us, retry_after_us;
  bool made, refused;
};

class RateLimiting : public plugin::Plugin {
 public:
  RateLimiting(Config config, std::shared_ptr<Counts> counts, std::string scope)
      : config_(std::move(config)), limits_(limits_of(config_)), counts_(std::move(counts)) {
    scope_ = std::move(scope) + '\n' + std::to_string(static_cast<int>(config_.algorithm)) + '\n';
    for (const Limit& limit : limits_) {
      const auto name = kPeriodNames[static_cast<std::size_t>(limit.period)];
      limit_names_.push_back(named("X-RateLimit-Limit", name));
      remaining_names_.push_back(named("X-RateLimit-Remaining", name));
    }
    says_reset_ = std::ranges::find(config_.headers, "X-RateLimit-Reset") != config_.headers.end();
  }

  plugin::Verdict on_request(Exchange& x) const noexcept override {
    Decision& decision = x.state<Decision>(*this);
    decision.now_us = wall_clock_us();
    const Hash128 home = keyed_hash(identity(x));
    const auto decided = [&](auto& shard, std::size_t most) { return decide(shard, most, home, decision); };
    if (!counts_->table.with(home, decided)) {
      const Hash128 everyone = keyed_hash(scope_);
      const auto crowded = [&](auto& shard, std::size_t most) { return decide(shard, most, everyone, decision); };
      if (!counts_->crowd.with(everyone, crowded)) decision.refused = true;
    }
    if (!decision.refused || config_.dry_run) return plugin::Verdict::proceed;
    const plugin::Verdict verdict = x.refuse(Reason::rate_limited, config_.error_message, config_.error_code);
    return verdict;
  }

  plugin::Verdict on_response(Exchange& x) const noexcept override {
    const Decision* const decision = x.find_state<Decision>(*this);
    if (decision == nullptr || !decision->made) return plugin::Verdict::proceed;
    http::Fields& fields = x.response.fields;
    if (decision->refused && !config_.dry_run)
      fields.set("Retry-After", number(x, (decision->retry_after_us + 999'999) / 1'000'000));
    if (config_.header_style == HeaderStyle::none || config_.hide_client_headers) return plugin::Verdict::proceed;
    if (config_.header_style == HeaderStyle::draft) {
      const std::int64_t left = std::max<std::int64_t>(decision->reset_us - decision->now_us, 0);
      fields.set("RateLimit-Limit", number(x, static_cast<std::int64_t>(limits_[decision->least].most)));
      fields.set("RateLimit-Remaining", number(x, static_cast<std::int64_t>(decision->remaining[decision->least])));
      fields.set("RateLimit-Reset", number(x, (left + 999'999) / 1'000'000));
      return plugin::Verdict::proceed;
    }
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (!limit_names_[i].empty()) fields.set(limit_names_[i], number(x, static_cast<std::int64_t>(limits_[i].most)));
      if (!remaining_names_[i].empty())
        fields.set(remaining_names_[i], number(x, static_cast<std::int64_t>(decision->remaining[i])));
    }
    if (says_reset_) fields.set("X-RateLimit-Reset", number(x, (decision->reset_us + 999'999) / 1'000'000));
    return plugin::Verdict::proceed;
  }

 private:
  /// "" where that field is not to be sent.
  std::string named(std::string_view base, std::string_view period) const {
    if (std::ranges::find(config_.headers, base) == config_.headers.end()) return "";
    return std::string(base) + "-" + std::string(period);
  }

  static std::string_view number(Exchange& x, std::int64_t value) {
    char* const to = static_cast<char*>(x.arena.allocate(20, 1));
    return {to, static_cast<std::size_t>(std::to_chars(to, to + 20, value).ptr - to)};
  }

  /// All limits are looked at before one counts: a refused request counts in no window. False: no room.
  bool decide(auto& shard, std::size_t most, const Hash128& home, Decision& decision) const {
    const std::int64_t now = decision.now_us;
    std::array<Hash128, kPeriods> keys;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      keys[i] = {home.high, home.low + (static_cast<std::uint64_t>(limits_[i].period) + 1) * 0x9e3779b97f4a7c15};
    }
    if (!shard.reserve({keys.data(), limits_.size()}, now, most)) return false;
    std::array<Count*, kPeriods> counts;
    std::array<bool, kPeriods> allowed;
    decision.made = true;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      const Limit& limit = limits_[i];
      counts[i] = &shard.at(keys[i], now, kept_until(config_.algorithm, limit, now));
      const Verdict verdict = look(config_.algorithm, limit, *counts[i], now);
      decision.remaining[i] = verdict.remaining;
      if (i == 0 || verdict.remaining < decision.remaining[decision.least]) {
        decision.least = i;
        decision.reset_us = verdict.reset_us;
      }
      allowed[i] = verdict.allowed;
      decision.refused = decision.refused || !verdict.allowed;
      decision.retry_after_us = std::max(decision.retry_after_us, verdict.retry_after_us);
    }
    for (std::size_t i = 0; i < limits_.size() && !decision.refused; ++i) {
      take(config_.algorithm, limits_[i], *counts[i], now);
    }
    // What a refused request did not take is there for the next.
    for (std::size_t i = 0; i < limits_.size() && decision.refused; ++i) decision.remaining[i] += allowed[i];
    return true;
  }

  /// Whose count it is, in the arena.
  std::string_view identity(Exchange& x) const {
    std::string_view all = scope_;
    for (const LimitBy by : config_.limit_by) {
      std::string_view part;
      switch (by) {
        case LimitBy::consumer:
        case LimitBy::credential:
        case LimitBy::ip:
          break;
        case LimitBy::header:
          part = x.request.fields.get(config_.header_name);
          break;
        case LimitBy::path:
          part = x.path;
          break;
        case LimitBy::route:
          part = x.route;
          break;
        case LimitBy::service:
          part = x.service;
          break;
      }
      // The kind stands before the text, and the text's length behind it, so that no two identities read alike.
      const bool by_ip = part.empty();
      if (by_ip) part = address(x);
      all = x.arena.concat(all, by_ip ? "ip:" : "of:", part, ":", number(x, static_cast<std::int64_t>(part.size())));
    }
    return all;
  }

  std::string_view address(Exchange& x) const {
    if (x.client_ip.unspecified()) return "unix";
    const int prefix = x.client_ip.is_v4() ? config_.ipv4_prefix : config_.ipv6_prefix;
    const bool whole = prefix == (x.client_ip.is_v4() ? 32 : 128);
    if (whole) return x.client_ip_text;
    char* const to = static_cast<char*>(x.arena.allocate(IpAddress::kMaxText, 1));
    return {to, x.client_ip.masked(prefix).write(to)};
  }

  const Config config_;
  const std::vector<Limit> limits_;
  const std::shared_ptr<Counts> counts_;
  std::string scope_;
  std::vector<std::string> limit_names_, remaining_names_;  ///< by limit; "" for what is not sent
  bool says_reset_ = false;
};

config::PluginInfo info() {
  return config::plugin_info("rate-limiting", "Refuses requests beyond a number in a time.", 910, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  auto counts = context.process<Counts>("rate-limiting", [] { return std::make_shared<Counts>(); });
  return std::make_shared<RateLimiting>(options().read(node), std::move(counts), context.scope());
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "rate-limiting",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<RateLimiting>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::rate_limiting
