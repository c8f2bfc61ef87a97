#include "plugins/jwt/config.h"

#include "plugins/common/idle_option.h"

namespace gatehouse::plugins::jwt {
namespace {

using std::chrono::seconds;

/// All keys of a Redis Cluster's script are in one slot.
std::string check_prefix(std::string_view prefix) {
  const std::size_t open = prefix.find('{'), close = prefix.find('}', open);
  const bool tagged = open != std::string_view::npos && close != std::string_view::npos && close > open + 1;
  return tagged ? "" : "must have a hash tag: a word in braces";
}

void check_config(const Config& config, const config::Node& node, const config::Where& at) {
  if (config.header_names.empty() && config.uri_param_names.empty() && config.cookie_names.empty())
    at.error("must look into a header, the query or a cookie");
  for (std::size_t i = 0; i < config.issuers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (config.issuers[i].issuer == config.issuers[j].issuer)
        at.error("names the issuer \"" + config.issuers[i].issuer + "\" twice");
    }
  }
  const Config defaults;
  if (!config.revoked_in_redis) {
    const char* const needs = "\"revoked_in_redis: true\"";
    if (config.redis_prefix != defaults.redis_prefix) refuse_idle(at, node, "redis_prefix", needs);
    if (config.cache_duration != defaults.cache_duration) refuse_idle(at, node, "cache_duration", needs);
    if (config.fault_tolerant != defaults.fault_tolerant) refuse_idle(at, node, "fault_tolerant", needs);
  }
  if (!config.cache && config.cache_size != defaults.cache_size) refuse_idle(at, node, "cache_size", "\"cache: true\"");
}

}  // namespace

const config::Options<Config>& options() {
  static const auto table = with_authentication(
      config::Options<Config>()
          .add(
              "key_claim_name", &Config::key_claim_name, config::non_empty(),
              "The claim that says whose token it is: the `key` of a consumer's credential. `kid` is looked for in the "
              "token's header too.")
          .add("secret_is_base64", &Config::secret_is_base64, config::boolean(),
               "The consumers' secrets are written in base64.")
          .add("claims_to_verify", &Config::claims_to_verify, claim_rules(),
               "Claims that must be there, and what they must be.")
          .add("clock_skew", &Config::clock_skew, config::duration(),
               "How far the clocks of who issues tokens may be off.")
          .add("maximum_age", &Config::maximum_age, config::duration(true, seconds(1)),
               "How long after `iat` a token is good at most.")
          .add("maximum_expiration", &Config::maximum_expiration, config::duration(true, seconds(1)),
               "How far away `exp` may be.")
          .add("issuers", &Config::issuers, issuer_list(), "Issuers who publish their keys.")
          .add("revoked", &Config::revoked, revoked_list(),
               "Tokens that are good no more: `jti`, a list, and `sub`, with the Unix time before which those of a "
               "subject were issued. Better in a file of its own: `${file:revoked.yaml}`.")
          .add("revoked_in_redis", &Config::revoked_in_redis, config::boolean(),
               "Looks for revoked tokens in the configuration's Redis too.")
          .add("redis_prefix", &Config::redis_prefix, config::string(check_prefix),
               "What stands there before `jti:` and `sub:`, with a hash tag.")
          .add("cache_duration", &Config::cache_duration, config::duration(),
               "How long the answer is remembered: a revoked token passes no longer than that. 0 asks for "
               "each request.")
          .add("fault_tolerant", &Config::fault_tolerant, config::boolean(),
               "Lets tokens pass that the Redis cannot be asked about; without it the answer is 503.")
          .add("header_names", &Config::header_names, config::list(config::header_name()),
               "Headers that hold the token; in Authorization behind `Bearer`.")
          .add("uri_param_names", &Config::uri_param_names, config::list(config::non_empty()),
               "Query parameters that do.")
          .add("cookie_names", &Config::cookie_names, config::list(config::non_empty()), "Cookies that do.")
          .add("cache", &Config::cache, config::boolean(), "Remembers tokens that were found good until they end.")
          .add("cache_size", &Config::cache_size, config::integer(8, 10'000'000), "How many at most, for each worker.")
          .check_node(check_config));
  return table;
}

}  // namespace gatehouse::plugins::jwt
