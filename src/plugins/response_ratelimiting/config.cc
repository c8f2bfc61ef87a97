#include "plugins/response_ratelimiting/config.h"

#include <algorithm>
#include <string_view>

#include "http/field.h"
#include "plugins/common/idle_option.h"

namespace gatehouse::plugins::response_ratelimiting {
namespace {

using rate_limiting::LimitBy;
using rate_limiting::Policy;

void check_quotas(const Config& config, const config::Node& node, const config::Where& at) {
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
}

void check(const Config& config, const config::Node& node, const config::Where& at) {
  check_quotas(config, node, at);
  if (config.policy == Policy::redis) return;
  if (!config.fault_tolerant) refuse_idle(at, node, "fault_tolerant", "policy: redis");
  if (config.key_space != Config().key_space) refuse_idle(at, node, "namespace", "policy: redis");
}

}  // namespace

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
          .add("policy", &Config::policy, config::choice<Policy>({"local", "redis"}),
               "Where counts are kept: in this process, or in the configuration's `redis`, for all gateways that use "
               "it.")
          .add("fault_tolerant", &Config::fault_tolerant, config::boolean(),
               "Of `policy: redis`: while it does not answer, each process counts by itself. Otherwise requests get "
               "500.")
          .add("namespace", &Config::key_space, config::name(),
               "Of `policy: redis`: what its keys begin with. Gateways that share quotas have the same.")
          .add("max_keys", &Config::max_keys, config::integer(1000, 100'000'000),
               "At most so many counts are kept, or 4096 if that is more; each takes some 100 bytes.")
          .add("error_code", &Config::error_code, config::integer(400, 599), "The status of a refusal.")
          .add("error_message", &Config::error_message, config::non_empty(), "What it says.")
          .elsewhere("redis", "one Redis serves the whole gateway: \"redis\" at the top of the configuration")
          .check_node(check);
  return table;
}

}  // namespace gatehouse::plugins::response_ratelimiting
