#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/options.h"
#include "plugins/rate_limiting/limiter.h"

namespace gatehouse::plugins::rate_limiting {

enum class LimitBy : std::uint8_t { consumer, credential, ip, header, claim, path, route, service };
enum class Policy : std::uint8_t { local, redis };
enum class TierBy : std::uint8_t { consumer, claim };
enum class HeaderStyle : std::uint8_t { kong, draft, none };
enum class HeaderName : std::uint8_t { limit, remaining, reset };

/// Limits as they are written: a number for each period that has one.
struct WrittenLimits {
  std::optional<std::uint32_t> second, minute, hour, day, month, year;
};

struct IpPrefix {
  int ipv4 = 32, ipv6 = 64;
};

/// What requests take that have one of the methods and are for one of the routes; all, where there is none.
struct SomeCost {
  std::vector<std::string> methods, routes;
  std::uint32_t cost = 1;
};

struct Exempt {
  std::vector<std::string> consumers, groups;
  std::vector<Cidr> ips;
};

struct Config : WrittenLimits {
  std::vector<std::pair<std::string, WrittenLimits>> tiers;
  TierBy tier_by = TierBy::consumer;
  std::string tier_claim = "tier";
  std::vector<LimitBy> limit_by{LimitBy::consumer};
  LimitBy identifier = LimitBy::ip;
  std::string header_name, claim, path;
  IpPrefix ip_prefix;
  Algorithm algorithm = Algorithm::fixed_window;
  std::optional<std::uint32_t> burst, delay;
  bool nodelay = false;
  std::uint32_t connections = 0;
  std::uint32_t cost = 1;
  std::vector<SomeCost> costs;
  std::string cost_header;
  std::vector<int> count_statuses;
  bool count_rejected = false;
  Exempt exempt;
  Policy policy = Policy::local;
  bool fault_tolerant = true;
  double sync_rate = -1;
  std::string key_space = "gh";
  std::uint32_t max_keys = 1'000'000;
  HeaderStyle header_style = HeaderStyle::kong;
  std::vector<HeaderName> headers{HeaderName::limit, HeaderName::remaining, HeaderName::reset};
  bool hide_client_headers = false;
  bool dry_run = false;
  int error_code = 429;
  std::string error_message = "too many requests";
  std::string response;  ///< JSON; "" for the gateway's own document
};

const config::Options<Config>& options();
/// The first key that asks who calls, and so cannot stand in front of authentication; "" for none.
std::string key_that_needs_caller(const config::Node* written);
/// The routes that `costs` names.
void add_routes(const config::Node* written, config::References& to);
/// The tiers of the configuration that `tiers` means; a claim may name any.
void add_tiers(const config::Node* written, config::References& to);
/// A mapping of limits by period, in the right order.
const config::Options<WrittenLimits>& limits_table();

/// The limits of a mapping, with the buckets' sizes that the plugin says, the shortest period first.
std::vector<Limit> limits_of(const WrittenLimits& written, const Config& config);

}  // namespace gatehouse::plugins::rate_limiting
