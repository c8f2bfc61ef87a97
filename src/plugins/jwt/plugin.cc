#include <algorithm>

#include "base/clock.h"
#include "base/scheduler.h"
#include "config/node.h"
#include "plugins/common/authentication.h"
#include "plugins/common/hash_cache.h"
#include "plugins/common/keep_to_end.h"
#include "plugins/common/per_worker.h"
#include "plugins/common/token_places.h"
#include "plugins/jwt/redis_revocations.h"
#include "plugins/jwt/verifier.h"

namespace gatehouse::plugins::jwt {
namespace {

using plugin::Exchange;
using plugin::Verdict;
using std::chrono::duration_cast;
using std::chrono::seconds;

struct Config : AuthenticationConfig {
  Config() { hide_credentials = false; }
  std::string key_claim_name = "iss";
  bool secret_is_base64 = false;
  std::vector<ClaimRule> claims_to_verify;
  Duration clock_skew{};
  Duration maximum_age = kOff, maximum_expiration = kOff;
  std::vector<IssuerConfig> issuers;
  Revoked revoked;
  bool revoked_in_redis = false;
  std::string redis_prefix = "gatehouse:{revoked}:";
  Duration cache_duration = seconds(10);
  bool fault_tolerant = false;
  std::vector<std::string> header_names{"Authorization"};
  std::vector<std::string> uri_param_names, cookie_names;
  bool cache = true;
  int cache_size = 10'000;
};

/// All keys of a Redis Cluster's script are in one slot.
std::string check_prefix(std::string_view prefix) {
  const std::size_t open = prefix.find('{'), close = prefix.find('}', open);
  const bool tagged = open != std::string_view::npos && close != std::string_view::npos && close > open + 1;
  return tagged ? "" : "must have a hash tag: a word in braces";
}

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
          .add(
              "cache_duration", &Config::cache_duration, config::duration(),
              "How long the answer is remembered, in whole seconds: a revoked token passes no longer than that. 0 asks "
              "for each request.")
          .add("fault_tolerant", &Config::fault_tolerant, config::boolean(),
               "Lets tokens pass that the Redis cannot be asked about; without it the answer is 503.")
          .add("header_names", &Config::header_names, config::list(config::header_name()),
               "Headers that hold the token; in Authorization behind `Bearer`.")
          .add("uri_param_names", &Config::uri_param_names, config::list(config::non_empty()),
               "Query parameters that do.")
          .add("cookie_names", &Config::cookie_names, config::list(config::non_empty()), "Cookies that do.")
          .add("cache", &Config::cache, config::boolean(), "Remembers tokens that were found good until they end.")
          .add("cache_size", &Config::cache_size, config::integer(8, 10'000'000), "How many at most, for each worker.")
          .check([](const Config& config, const config::Where& at) {
            if (config.header_names.empty() && config.uri_param_names.empty() && config.cookie_names.empty())
              at.error("must look into a header, the query or a cookie");
            for (std::size_t i = 0; i < config.issuers.size(); ++i) {
              for (std::size_t j = 0; j < i; ++j) {
                if (config.issuers[i].issuer == config.issuers[j].issuer)
                  at.error("names the issuer \"" + config.issuers[i].issuer + "\" twice");
              }
            }
          }));
  return table;
}

std::int64_t in_seconds(Duration duration) {
  return duration == kOff ? 0 : duration_cast<seconds>(duration).count();
}

TokenRules rules_of(const Config& config) {
  return {.key_claim = config.key_claim_name,
          .claims = config.claims_to_verify,
          .skew_s = in_seconds(config.clock_skew),
          .max_age_s = in_seconds(config.maximum_age),
          .max_lifetime_s = in_seconds(config.maximum_expiration),
          .revoked = config.revoked};
}

std::vector<Issuer> issuers_of(const Config& config, plugin::BuildContext& context) {
  std::vector<Issuer> made;
  made.reserve(config.issuers.size());
  for (const IssuerConfig& each : config.issuers) made.emplace_back(each, context);
  return made;
}

std::shared_ptr<const Keyring> keyring_of(const Config& config, plugin::BuildContext& context) {
  return context.shared_here<Keyring>(config.secret_is_base64 ? "base64" : "plain", [&] {
    return std::make_shared<Keyring>(context.consumers()->credentials("jwt"), config.secret_is_base64);
  });
}

/// What plugins with the same options share: what they decide, and what they remember of it.
struct Bench {
  using TokenCache = HashCache<std::shared_ptr<const VerifiedToken>>;
  Bench(const Config& config, plugin::BuildContext& context)
      : verifier(rules_of(config), keyring_of(config, context), issuers_of(config, context), context.consumers()),
        caches(context.workers()) {
    if (config.revoked_in_redis) revocations.emplace(config.redis_prefix, context.redis());
  }
  const Verifier verifier;
  std::optional<RedisRevocations> revocations;
  const PerWorker<TokenCache> caches;
};

class Jwt : public plugin::Plugin {
 public:
  Jwt(const Config& config, const std::string& written, plugin::BuildContext& context)
      : places_{config.header_names, config.uri_param_names, config.cookie_names, "Bearer"},
        hides_(config.hide_credentials),
        caches_(config.cache),
        fault_tolerant_(config.fault_tolerant),
        cache_size_(static_cast<std::size_t>(config.cache_size)),
        answer_s_(in_seconds(config.cache_duration)),
        policy_(config, "Bearer", context, {.always = {}, .if_bad = "error=\"invalid_token\""}),
        bench_(context.shared_here<Bench>(written, [&] { return std::make_shared<Bench>(config, context); })) {}

  Verdict on_request(Exchange& x) const noexcept override {
    if (policy_.passes_by(x)) {
      if (hides_) hide_token(x, places_);
      return Verdict::proceed;
    }
    const TokenFound found = find_token(x, places_);
    if (found.value.empty()) return policy_.missing(x);
    if (hides_) hide_token(x, places_);
    if (found.repeated) return policy_.invalid(x, "more than one token was sent");
    const std::int64_t now_s = wall_clock_us() / 1'000'000;
    Hash128 hash;
    if (caches_) {
      hash = keyed_hash(found.value);
      if (const auto* const known = bench_->caches.of(x).find(hash, now_s)) {
        if (bench_->verifier.is_current(**known, x.worker)) return accept(x, *keep_to_end(x, *known));
        bench_->caches.of(x).forget(hash);
      }
    }
    const Outcome outcome = bench_->verifier.look_at(found.value, x, now_s);
    if (outcome.stale != nullptr && outcome.stale->may_renew(x)) {
      x.state<Pending>(*this) = {.text = found.value, .hash = hash, .issuer = outcome.stale};
      return Verdict::suspend;
    }
    return decide(x, outcome, hash);
  }

  Task<Verdict> on_request_async(Exchange& x) const override {
    Pending pending = x.state<Pending>(*this);
    if (pending.issuer != nullptr) {
      co_await pending.issuer->renew(x);
      const Outcome outcome = bench_->verifier.look_at(pending.text, x, wall_clock_us() / 1'000'000);
      const Verdict verdict = decide(x, outcome, pending.hash);
      if (verdict != Verdict::suspend) co_return verdict;
      pending = x.state<Pending>(*this);
    }
    const Kept& token = *pending.verified;
    const std::int64_t now_s = wall_clock_us() / 1'000'000;
    switch (co_await bench_->revocations->ask(x, *token)) {
      case RedisRevocations::Answer::good:
        remember(x, pending.hash, token, now_s + answer_s_);
        co_return accept(x, *token);
      case RedisRevocations::Answer::revoked:
        co_return policy_.invalid(x, "the token was revoked");
      case RedisRevocations::Answer::unavailable:
        if (!fault_tolerant_) co_return policy_.unavailable(x, "whether the token was revoked cannot be found out now");
        remember(x, pending.hash, token, now_s + std::min(answer_s_, kUnansweredS));
        co_return accept(x, *token);
      case RedisRevocations::Answer::cancelled:
        break;
    }
    co_return x.refuse(x.scope->reason());
  }

 private:
  using Kept = std::shared_ptr<const VerifiedToken>;
  /// Bytes; tokens that say more are looked at each time, so that nobody fills the memory with them.
  static constexpr std::size_t kLargestKept = 4096;
  /// A token about which the Redis gave no answer is asked about again after so long.
  static constexpr std::int64_t kUnansweredS = 1;

  /// What a hook leaves for its twin.
  struct Pending {
    std::string_view text = {};
    Hash128 hash = {};
    const Issuer* issuer = nullptr;  ///< its keys are to be fetched first
    const Kept* verified = nullptr;  ///< good but for what the Redis says
  };

  Verdict decide(Exchange& x, const Outcome& outcome, const Hash128& hash) const {
    if (outcome.token == nullptr)
      return outcome.unavailable ? policy_.unavailable(x, outcome.message) : policy_.invalid(x, outcome.message);
    const Kept& token = keep_to_end(x, outcome.token);
    if (bench_->revocations && RedisRevocations::concern(*token, x.arena)) {
      x.state<Pending>(*this) = {.hash = hash, .verified = &token};
      return Verdict::suspend;
    }
    remember(x, hash, token, token->good_until_s);
    return accept(x, *token);
  }

  void remember(Exchange& x, const Hash128& hash, const Kept& token, std::int64_t until_s) const {
    if (caches_ && token->claims.memory() <= kLargestKept)
      bench_->caches.of(x).keep(hash, token, std::min(until_s, token->good_until_s), cache_size_);
  }

  static Verdict accept(Exchange& x, const VerifiedToken& token) {
    return plugin::accept(x, {token.consumer, token.credential, token.credential_id, &token});
  }

  const TokenPlaces places_;
  const bool hides_, caches_, fault_tolerant_;
  const std::size_t cache_size_;
  const std::int64_t answer_s_;
  const AuthenticationPolicy policy_;
  const std::shared_ptr<const Bench> bench_;
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("jwt", "Knows who calls by a signed token: a JSON Web Token (RFC 7519).", 1450, options());
  info.authenticates = true;
  info.credential = credential_info();
  info.secret_parameters = [](const config::Node* node) {
    const Config config = options().read(node);
    std::vector<std::string> names = config.uri_param_names;
    names.insert(names.end(), config.header_names.begin(), config.header_names.end());
    return names;
  };
  info.needs_redis = [](const config::Node* node) {
    return options().read(node).revoked_in_redis ? "revoked_in_redis" : "";
  };
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<Jwt>(options().read(node), node != nullptr ? config::to_json_line(*node) : "", context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "jwt",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<Jwt>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::jwt
