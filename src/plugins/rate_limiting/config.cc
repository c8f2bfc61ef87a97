#include "plugins/rate_limiting/config.h"

#include <algorithm>

#include "base/arena.h"
#include "config/conditions.h"
#include "http/head.h"
#include "plugins/common/idle_option.h"
#include "plugins/common/json_text.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::uint32_t kMost = kMostInPeriod;

template <class C>
config::Options<C> with_limits(config::Options<C> table) {
  table.add("second", &WrittenLimits::second, config::integer(1, kMost), "Requests a second.")
      .add("minute", &WrittenLimits::minute, config::integer(1, kMost), "Requests a minute.")
      .add("hour", &WrittenLimits::hour, config::integer(1, kMost), "Requests an hour.")
      .add("day", &WrittenLimits::day, config::integer(1, kMost), "Requests a day.")
      .add("month", &WrittenLimits::month, config::integer(1, kMost), "Requests a month.")
      .add("year", &WrittenLimits::year, config::integer(1, kMost), "Requests a year.");
  return table;
}

using Written = std::array<std::optional<std::uint32_t>, kPeriods>;
Written all_of(const WrittenLimits& limits) {
  return {limits.second, limits.minute, limits.hour, limits.day, limits.month, limits.year};
}

/// A longer window that allows less than a shorter one makes that one pointless.
void check_order(const WrittenLimits& limits, const config::Node& node, const config::Where& at) {
  const Written all = all_of(limits);
  std::optional<std::size_t> before;
  for (std::size_t i = 0; i < kPeriods; ++i) {
    if (!all[i]) continue;
    if (before && *all[i] < *all[*before]) {
      const std::string name(kPeriodNames[i]);
      at.key(name, node.find(name)->mark())
          .error("window order: allows " + std::to_string(*all[i]) + ", less than the " +
                 std::string(kPeriodNames[*before]) + "'s " + std::to_string(*all[*before]));
    }
    before = i;
  }
}

config::Value<IpPrefix> ip_prefix() {
  static const auto table =
      config::Options<IpPrefix>()
          .add("ipv4", &IpPrefix::ipv4, config::integer(1, 32), "Of IPv4.")
          .add("ipv6", &IpPrefix::ipv6, config::integer(1, 128), "Of IPv6; 64 is what one subscriber has.");
  return table.nested();
}

config::Value<SomeCost> some_cost() {
  static const auto table =
      config::Options<SomeCost>()
          .add("methods", &SomeCost::methods, config::list_or_one(config::method(), 1),
               "With these methods. GET includes HEAD, unless an entry in front says HEAD.")
          .add("routes", &SomeCost::routes, config::list_or_one(config::non_empty(), 1), "For these routes, by name.")
          .require("cost", &SomeCost::cost, config::integer(0, kMost), "What a request takes; 0 for nothing.")
          .check([](const SomeCost& cost, const config::Where& at) {
            if (cost.methods.empty() && cost.routes.empty()) at.error("needs \"methods\" or \"routes\"");
          });
  return table.nested();
}

config::Value<Exempt> exempt() {
  static const auto table =
      config::Options<Exempt>()
          .add("consumers", &Exempt::consumers, config::list_or_one(config::consumer_name(true)), "By username or id.")
          .add("groups", &Exempt::groups, config::list_or_one(config::group_name()), "Consumers in one of these.")
          .add("ips", &Exempt::ips, config::list_or_one(config::cidr()), "Clients' addresses and blocks.");
  return table.nested();
}

bool uses(const Config& config, LimitBy by) {
  return config.identifier == by || std::ranges::find(config.limit_by, by) != config.limit_by.end();
}

config::Where place(const config::Where& at, const config::Node& node, std::string_view key) {
  const config::Node* const found = node.find(key);
  return at.key(key, found != nullptr ? found->mark() : node.mark());
}

void check_limits(const Config& config, const WrittenLimits& limits, const config::Node& node,
                  const config::Where& at) {
  for (const Limit& limit : limits_of(limits, config)) {
    const std::string_view name = kPeriodNames[static_cast<std::size_t>(limit.period)];
    const config::Where here = place(at, node, name);
    const bool leaky = config.algorithm == Algorithm::leaky_bucket;
    const bool bucket = leaky || config.algorithm == Algorithm::token_bucket;
    if (leaky && limit.period > Period::minute) {
      here.error("leaky-bucket has limits by the second and by the minute, as nginx has");
    } else if (leaky && (limit.burst - std::min(limit.burst, limit.delay)) * 1000 / leaky_rate(limit) > 3600) {
      here.error("would hold requests for more than an hour: take a smaller \"burst\", or \"nodelay\"");
    }
    if (bucket && !leaky && length_of(limit.period) / 1'000'000.0 / limit.most * limit.burst > 3.2e9)
      here.error("needs more than a hundred years to fill the \"burst\" again");
    const std::uint64_t room = leaky ? limit.burst + 1 : bucket ? limit.burst : limit.most;
    std::uint32_t most = config.cost;
    for (const SomeCost& each : config.costs) most = std::max(most, each.cost);
    if (most > room) here.error("lets no request pass that costs " + std::to_string(most));
  }
}

/// Options that mean nothing without what they belong to. Defaults are in printed configurations too.
void check_belongings(const Config& config, const config::Node& node, const config::Where& at) {
  const Config defaults;
  const bool leaky = config.algorithm == Algorithm::leaky_bucket;
  const bool windows = !leaky && config.algorithm != Algorithm::token_bucket;
  const bool redis = config.policy == Policy::redis;
  const struct {
    const char* option;
    bool written, used;
    const char* needs;
  } all[] = {
      {"header_name", !config.header_name.empty(), uses(config, LimitBy::header), "limit_by: header"},
      {"claim", !config.claim.empty(), uses(config, LimitBy::claim), "limit_by: claim"},
      {"path", !config.path.empty(), uses(config, LimitBy::path), "limit_by: path"},
      {"tier_claim", config.tier_claim != defaults.tier_claim, config.tier_by == TierBy::claim, "tier_by: claim"},
      {"burst", config.burst.has_value(), leaky || config.algorithm == Algorithm::token_bucket,
       "algorithm: token-bucket or leaky-bucket"},
      {"delay", config.delay.has_value(), leaky, "algorithm: leaky-bucket"},
      {"nodelay", config.nodelay, leaky, "algorithm: leaky-bucket"},
      {"count_rejected", config.count_rejected, windows, "algorithm: fixed-window or sliding-window"},
      {"sync_rate", config.sync_rate != defaults.sync_rate, redis, "policy: redis"},
      {"namespace", config.key_space != defaults.key_space, redis, "policy: redis"},
      {"fault_tolerant", !config.fault_tolerant, redis, "policy: redis"},
  };
  for (const auto& each : all) {
    if (each.written && !each.used) refuse_idle(at, node, each.option, each.needs);
  }
}

void check_identity(const Config& config, const config::Node& node, const config::Where& at) {
  for (std::size_t i = 0; i < config.limit_by.size(); ++i) {
    const auto before = std::span(config.limit_by).first(i);
    if (std::ranges::find(before, config.limit_by[i]) == before.end()) continue;
    place(at, node, "limit_by").error("lists the same twice");
    break;
  }
  if (config.path.empty()) return;
  Arena arena;
  const bool rooted = config.path.starts_with('/') && !config.path.contains('?');
  const auto normalised = rooted ? http::normalise_path(config.path, arena) : std::unexpected(Error{});
  if (!normalised || normalised->path != config.path)
    place(at, node, "path").error("must be a path as it is after normalisation: from \"/\" on, without a query");
}

void check_buckets(const Config& config, const config::Node& node, const config::Where& at) {
  if (config.burst && config.algorithm == Algorithm::token_bucket && *config.burst == 0)
    place(at, node, "burst").error("must be at least 1");
  if (config.delay && config.nodelay) place(at, node, "nodelay").error("stands beside a \"delay\"");
  if (config.algorithm == Algorithm::leaky_bucket && config.delay && *config.delay > config.burst.value_or(0))
    place(at, node, "delay").error("is more than the \"burst\": so many do not come");
}

/// An entry behind one that is about all of its requests says nothing.
void check_costs(const Config& config, const config::Node& node, const config::Where& at) {
  const auto covers = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    const auto has = [&](std::string_view each) { return std::ranges::find(all, each) != all.end(); };
    const auto takes = [&](const std::string& each) { return has(each) || (each == "HEAD" && has("GET")); };
    return all.empty() || (!some.empty() && std::ranges::all_of(some, takes));
  };
  for (std::size_t i = 0; i < config.costs.size(); ++i) {
    for (std::size_t before = 0; before < i; ++before) {
      const SomeCost &first = config.costs[before], &second = config.costs[i];
      if (!covers(first.methods, second.methods) || !covers(first.routes, second.routes)) continue;
      place(at, node, "costs")
          .index(i, node.find("costs")->items()[i].mark())
          .error("is never reached behind costs[" + std::to_string(before) + "]");
      break;
    }
  }
}

void check(const Config& config, const config::Node& node, const config::Where& at) {
  check_order(config, node, at);
  const bool limited = std::ranges::any_of(all_of(config), [](const auto& each) { return each.has_value(); });
  if (!limited && config.tiers.empty() && config.connections == 0) {
    at.error(
        "needs one of \"second\", \"minute\", \"hour\", \"day\", \"month\" and \"year\", or \"tiers\", or "
        "\"connections\"");
  }
  check_limits(config, config, node, at);
  if (const config::Node* const tiers = node.find("tiers")) {
    for (const auto& [name, limits] : config.tiers) {
      const config::Where tier = place(at, node, "tiers");
      check_limits(config, limits, *tiers->find(name), tier.key(name, tiers->find(name)->mark()));
    }
  }
  if (config.tier_by == TierBy::claim && !limited)
    place(at, node, "tier_by").error("needs limits of the plugin's own, for a claim that names none of its tiers");
  if (uses(config, LimitBy::header) && config.header_name.empty())
    at.error("needs \"header_name\" for limit_by: header");
  if (uses(config, LimitBy::claim) && config.claim.empty()) at.error("needs \"claim\" for limit_by: claim");
  check_belongings(config, node, at);
  check_identity(config, node, at);
  check_buckets(config, node, at);
  check_costs(config, node, at);
  if (config.policy == Policy::redis && !limited && config.tiers.empty())
    place(at, node, "policy").error("needs limits: \"connections\" are counted in each process");
  if (config.count_rejected && config.sync_rate != -1)
    place(at, node, "count_rejected").error("does not go with a \"sync_rate\": what is refused there nobody tells");
  if (config.count_rejected && !config.count_statuses.empty())
    place(at, node, "count_rejected").error("does not go with \"count_statuses\", which says what counts");
  constexpr double kLeastSyncRate = 0.02;
  if (config.sync_rate != -1 && config.sync_rate < kLeastSyncRate)
    place(at, node, "sync_rate").error("must be -1 or at least 0.02 (seconds)");
}

/// Whose limits they are.
void add_identity(config::Options<Config>& table) {
  const auto by = [] {
    return config::choice<LimitBy>({"consumer", "credential", "ip", "header", "claim", "path", "route", "service"});
  };
  table
      .add("tiers", &Config::tiers, config::map_of(limits_table().nested()),
           "Limits by tier: who is of one of these has them instead of those above.")
      .add("tier_by", &Config::tier_by, config::choice<TierBy>({"consumer", "claim"}),
           "What says the tier: the credential or else its consumer, or a claim of the token.")
      .add("tier_claim", &Config::tier_claim, config::non_empty(), "Of `tier_by: claim`: which one.")
      .add("limit_by", &Config::limit_by, config::list_or_one(by(), 1),
           "Who or what has a limit of its own; several together.")
      .add("identifier", &Config::identifier, by(),
           "Stands in for what a request does not have; the address does where this is not there either.")
      .add("header_name", &Config::header_name, config::header_name(false), "Of `header`.")
      .add("claim", &Config::claim, config::non_empty(),
           "Of `claim`: its name, or names with `.` between for one within another.")
      .add("path", &Config::path, config::non_empty(),
           "Of `path`: this one has a limit of its own. Without it each path has.")
      .add("ip_prefix", &Config::ip_prefix, ip_prefix(), "Of `ip`: addresses that share so many bits are one.");
}

/// What is counted, and how.
void add_counting(config::Options<Config>& table) {
  table
      .add("algorithm", &Config::algorithm,
           config::choice<Algorithm>({"fixed-window", "sliding-window", "token-bucket", "leaky-bucket"}),
           "How requests are counted.")
      .add("burst", &Config::burst, config::integer(0, kMost),
           "Of `token-bucket`: requests that may come at once; the limit itself without it. Of `leaky-bucket`: "
           "requests above the rate that wait; none without it.")
      .add("delay", &Config::delay, config::integer(0, kMost), "Of `leaky-bucket`: so many above the rate do not wait.")
      .add("nodelay", &Config::nodelay, config::boolean(), "Of `leaky-bucket`: none waits.")
      .add("connections", &Config::connections, config::integer(0, 1'000'000),
           "Requests that may be under way at once; 0 for any number.")
      .add("cost", &Config::cost, config::integer(1, kMost), "What a request takes.")
      .add("costs", &Config::costs, config::list(some_cost()),
           "What it takes with some methods and for some routes: the first entry that is about the request.")
      .add("cost_header", &Config::cost_header, config::header_name(false),
           "A field of the service's answer with what the request takes besides. It is taken out.")
      .add("count_statuses", &Config::count_statuses, config::list_or_one<int>(config::integer(200, 599)),
           "Only requests that are answered so are counted: `[401, 403]` for guesses of keys. All without it.")
      .add("count_rejected", &Config::count_rejected, config::boolean(),
           "Of windows: a refused request counts as well, in all of them, as it does in Kong with a Redis.")
      .add("exempt", &Config::exempt, exempt(), "Who is neither counted nor refused.");
}

/// Where counts are kept.
void add_keeping(config::Options<Config>& table) {
  table
      .add("policy", &Config::policy, config::choice<Policy>({"local", "redis"}),
           "Where counts are kept: in this process, or in the configuration's `redis`, for all gateways that use "
           "it.")
      .add("fault_tolerant", &Config::fault_tolerant, config::boolean(),
           "Of `policy: redis`: while it does not answer, each process decides by itself. Otherwise requests get "
           "500.")
      .add("sync_rate", &Config::sync_rate, config::number(-1, 3600),
           "Of `policy: redis`: so many seconds a process decides by itself before it asks again, and tells what it "
           "has let pass. -1: it asks for each request, and limits are exact.")
      .add("namespace", &Config::key_space, config::name(),
           "Of `policy: redis`: what its keys begin with. Gateways that share limits have the same.")
      .add("max_keys", &Config::max_keys, config::integer(1000, 100'000'000),
           "At most so many counts are kept, or 4096 if that is more; each takes some 100 bytes.");
}

/// What clients are told.
void add_answers(config::Options<Config>& table) {
  table
      .add("header_style", &Config::header_style, config::choice<HeaderStyle>({"kong", "draft", "none"}),
           "What clients are told: a field for each window, the three of the IETF's draft, or nothing.")
      .add(
          "headers", &Config::headers,
          config::list(config::choice<HeaderName>({"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"})),
          "Of `header_style: kong`: which fields are sent; limit and remaining get the window's name behind them.")
      .add("hide_client_headers", &Config::hide_client_headers, config::boolean(), "As `header_style: none`.")
      .add("dry_run", &Config::dry_run, config::boolean(),
           "Counts, refuses nothing, tells clients nothing; the log says who would be refused.")
      .add("error_code", &Config::error_code, config::integer(400, 599), "The status of a refusal.")
      .add("error_message", &Config::error_message, config::non_empty(), "What it says.")
      .add("response", &Config::response, json_text(), "Its body, as JSON, instead of the gateway's own.");
}

}  // namespace

std::string key_that_needs_caller(const config::Node* written) {
  if (written == nullptr) return {};
  const Config config = options().read(written);
  const auto is_of_caller = [](LimitBy by) {
    return by == LimitBy::consumer || by == LimitBy::credential || by == LimitBy::claim;
  };
  if (written->find("limit_by") != nullptr && std::ranges::any_of(config.limit_by, is_of_caller)) return "limit_by";
  if (is_of_caller(config.identifier)) return "identifier";
  if (!config.tiers.empty()) return "tiers";
  return config.exempt.consumers.empty() && config.exempt.groups.empty() ? "" : "exempt";
}

void add_routes(const config::Node* written, config::References& to) {
  const config::Node* const costs = written != nullptr ? written->find("costs") : nullptr;
  if (costs == nullptr) return;
  for (std::size_t i = 0; i < costs->items().size(); ++i) {
    const config::Node* const routes = costs->items()[i].find("routes");
    if (routes == nullptr) continue;
    const std::string path = "costs[" + std::to_string(i) + "].routes";
    if (routes->is_scalar()) to.push_back({config::Named::route, routes->text(), routes->mark(), path});
    for (const config::Node& each : routes->items())
      to.push_back({config::Named::route, each.text(), each.mark(), path});
  }
}

void add_tiers(const config::Node* written, config::References& to) {
  if (written == nullptr) return;
  const config::Node* const tiers = written->find("tiers");
  if (tiers == nullptr || options().read(written).tier_by == TierBy::claim) return;
  for (const config::Node::Entry& entry : tiers->entries()) {
    to.push_back({config::Named::tier, entry.key, entry.key_mark, "tiers"});
  }
}

const config::Options<WrittenLimits>& limits_table() {
  static const auto table = with_limits(config::Options<WrittenLimits>()).check_node(check_order);
  return table;
}

std::vector<Limit> limits_of(const WrittenLimits& written, const Config& config) {
  const Written all = all_of(written);
  std::vector<Limit> limits;
  for (std::size_t i = 0; i < kPeriods; ++i) {
    if (!all[i]) continue;
    Limit limit{static_cast<Period>(i), *all[i], *all[i], 0};
    if (config.algorithm == Algorithm::leaky_bucket) {
      limit.burst = config.burst.value_or(0);
      limit.delay = config.nodelay ? kNoDelay : config.delay.value_or(0);
    } else if (config.burst) {
      limit.burst = *config.burst;
    }
    limits.push_back(limit);
  }
  return limits;
}

const config::Options<Config>& options() {
  static const auto table = [] {
    auto made = with_limits(config::Options<Config>());
    add_identity(made);
    add_counting(made);
    add_keeping(made);
    add_answers(made);
    made.elsewhere("redis", "one Redis serves the whole gateway: \"redis\" at the top of the configuration")
        .check_node(check);
    return made;
  }();
  return table;
}

}  // namespace gatehouse::plugins::rate_limiting
