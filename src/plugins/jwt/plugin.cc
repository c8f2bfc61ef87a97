#include <algorithm>

#include "base/clock.h"
#include "base/scheduler.h"
#include "config/node.h"
#include "plugins/common/hash_cache.h"
#include "plugins/common/keep_to_end.h"
#include "plugins/common/per_worker.h"
#include "plugins/common/token_places.h"
#include "plugins/jwt/config.h"
#include "plugins/jwt/redis_revocations.h"
#include "plugins/jwt/verifier.h"

namespace gatehouse::plugins::jwt {
namespace {

using plugin::Exchange;
using plugin::Verdict;
using std::chrono::duration_cast;
using std::chrono::seconds;

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

using Kept = std::shared_ptr<const VerifiedToken>;

/// A token that was found good.
struct Remembered {
  Kept token;
  TimePoint ask_again = kNever;  ///< whether it was revoked
};

/// What plugins with the same options share: what they decide, and what they remember of it.
struct Bench {
  using TokenCache = HashCache<Remembered>;
  Bench(const Config& config, plugin::BuildContext& context)
      : verifier(rules_of(config), keyring_of(config, context), issuers_of(config, context), context.consumers()),
        caches(context.workers()) {
    if (config.revoked_in_redis) revocations.emplace(config.redis_prefix, context.redis());
  }
  const Verifier verifier;
  std::optional<RedisRevocations> revocations;
  const PerWorker<TokenCache> caches;
};

/// What decides: the options as they are written, and the files that they mean where they are written.
std::string identity(const Config& config, std::string written) {
  for (const IssuerConfig& each : config.issuers) written += '\n' + each.ca;
  return written;
}

class Jwt : public plugin::Plugin {
 public:
  Jwt(const Config& config, const std::string& written, plugin::BuildContext& context)
      : places_{config.header_names, config.uri_param_names, config.cookie_names, "Bearer"},
        hides_(config.hide_credentials),
        caches_(config.cache),
        fault_tolerant_(config.fault_tolerant),
        cache_size_(static_cast<std::size_t>(config.cache_size)),
        answer_(config.cache_duration),
        policy_(config, "Bearer", context, {.always = {}, .if_bad = "error=\"invalid_token\""}),
        bench_(context.shared_here<Bench>(identity(config, written),
                                          [&] { return std::make_shared<Bench>(config, context); })) {}

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
      if (const Remembered* const known = bench_->caches.of(x).find(hash, now_s)) {
        if (x.now < known->ask_again && bench_->verifier.is_current(*known->token, x.worker))
          return accept(x, *keep_to_end(x, known->token));
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
      if (x.scope->cancelled()) co_return x.refuse(x.scope->reason());
      const Outcome outcome = bench_->verifier.look_at(pending.text, x, wall_clock_us() / 1'000'000);
      const Verdict verdict = decide(x, outcome, pending.hash);
      if (verdict != Verdict::suspend) co_return verdict;
      pending = x.state<Pending>(*this);
    }
    const Kept& token = *pending.verified;
    switch (co_await bench_->revocations->ask(x, *token)) {
      case RedisRevocations::Answer::good:
        remember(x, pending.hash, token, answer_);
        co_return accept(x, *token);
      case RedisRevocations::Answer::revoked:
        co_return policy_.invalid(x, "the token was revoked");
      case RedisRevocations::Answer::unavailable:
        if (!fault_tolerant_) co_return policy_.unavailable(x, "whether the token was revoked cannot be found out now");
        remember(x, pending.hash, token, std::min(answer_, kUnanswered));
        co_return accept(x, *token);
      case RedisRevocations::Answer::cancelled:
        break;
    }
    co_return x.refuse(x.scope->reason());
  }

 private:
  /// Bytes; tokens that say more are looked at each time, so that nobody fills the memory with them.
  static constexpr std::size_t kLargestKept = 4096;
  /// A token about which the Redis gave no answer is asked about again after so long.
  static constexpr Duration kUnanswered = seconds(1);

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
    remember(x, hash, token, kNever - x.now);
    return accept(x, *token);
  }

  /// Until it ends, and is asked about again when `answer` is over: by the clock that nobody sets.
  void remember(Exchange& x, const Hash128& hash, const Kept& token, Duration answer) const {
    if (caches_ && token->claims.memory() <= kLargestKept)
      bench_->caches.of(x).keep(hash, {token, deadline_after(x.now, answer)}, token->good_until_s, cache_size_);
  }

  static Verdict accept(Exchange& x, const VerifiedToken& token) {
    return plugin::accept(x, {token.consumer, token.credential, token.credential_id, &token});
  }

  const TokenPlaces places_;
  const bool hides_, caches_, fault_tolerant_;
  const std::size_t cache_size_;
  const Duration answer_;
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
  info.credential_headers = [](const config::Node* node) { return options().read(node).header_names; };
  info.credential_check = [](const config::Node* node) {
    return options().read(node).secret_is_base64 ? fault_in_base64 : config::CredentialCheck();
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
