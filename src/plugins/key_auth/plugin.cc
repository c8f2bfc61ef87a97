
#include "base/hex.h"
#include "base/scheduler.h"
#include "config/options.h"
#include "http/reserved_names.h"
#include "plugin/build_context.h"
#include "plugins/common/authentication.h"
#include "plugins/common/keep_to_end.h"
#include "plugins/common/token_places.h"
#include "plugins/key_auth/key_table.h"
#include "plugins/key_auth/redis_keys.h"

namespace gatehouse::plugins::key_auth {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config : AuthenticationConfig {
  std::vector<std::string> key_names{"X-API-Key", "apikey"};
  bool key_in_header = true, key_in_query = false, key_in_cookie = false;
  bool redis = false;
  std::string redis_prefix = "gatehouse:key:";
  Duration cache_duration = std::chrono::seconds(60);
  int cache_size = 10'000;
};

const config::Options<Config>& options() {
  static const auto table = with_authentication(
      config::Options<Config>()
          .add("key_names", &Config::key_names, config::list_or_one(config::header_name(), 1),
               "Names of the header, query parameter or cookie that holds the key.")
          .add("key_in_header", &Config::key_in_header, config::boolean(), "Looks into the header.")
          .add("key_in_query", &Config::key_in_query, config::boolean(), "Looks into the query.")
          .add("key_in_cookie", &Config::key_in_cookie, config::boolean(), "Looks into cookies.")
          .add("redis", &Config::redis, config::boolean(),
               "Looks up keys that the configuration does not have in its Redis.")
          .add("redis_prefix", &Config::redis_prefix, config::non_empty(),
               "What stands before the hash of a key there.")
          .add("cache_duration", &Config::cache_duration, config::duration(),
               "How long a known key of the Redis is remembered: a revoked one passes no longer than that. An unknown "
               "one is remembered for 5s at most. 0 remembers nothing.")
          .add("cache_size", &Config::cache_size, config::integer(8, 10'000'000),
               "How many known keys of the Redis each worker remembers at most.")
          .check([](const Config& config, const config::Where& at) {
            if (!config.key_in_header && !config.key_in_query && !config.key_in_cookie)
              at.error("must look into the header, the query or cookies");
            for (const std::string& name : config.key_in_header ? config.key_names : std::vector<std::string>()) {
              const http::FieldId id = http::field_id(name);
              if (id == http::FieldId::host || id == http::FieldId::cookie || http::is_identity_field(name) ||
                  http::is_forwarding_field(name))
                at.error("key_names: \"" + name + "\" has a meaning of its own in every request");
            }
          }));
  return table;
}

// ---- credentials ----

struct KeyCredential {
  config::Secret key;
  std::string key_hash;
};

std::optional<Sha256> parse_hash(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + 64) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  Sha256 hash;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto value = from_hex(text.substr(2 * i, 2));
    if (!value) return std::nullopt;
    hash[i] = static_cast<std::uint8_t>(*value);
  }
  return hash;
}

/// Never says what stands there: it may be a key in the wrong place.
void check_credential(const KeyCredential& credential, const config::Node& node, const config::Where& at) {
  const std::string& key = credential.key.value;
  if (key.empty() == credential.key_hash.empty()) return at.error("needs one of \"key\" and \"key_hash\"");
  const config::Where place =
      at.key(key.empty() ? "key_hash" : "key", node.find(key.empty() ? "key_hash" : "key")->mark());
  constexpr std::size_t kShort = 8;
  if (key.empty()) {
    if (!parse_hash(credential.key_hash))
      place.error("must be \"sha256:\" and the 64 hex digits of the key's hash", "gatehouse credential hash makes it");
  } else if (const std::string fault = config::check_told(key); !fault.empty()) {
    place.error(fault + ": no request could bring it");
  } else if (key.size() < kShort) {
    place.warning("has only " + std::to_string(key.size()) + " characters and can be guessed");
  }
}

const config::Options<KeyCredential>& credential_options() {
  static const auto table = config::Options<KeyCredential>()
                                .add("key", &KeyCredential::key, config::secret(), "The key itself, or …")
                                .add("key_hash", &KeyCredential::key_hash, config::string(),
                                     "… its hash, as `gatehouse credential hash` writes it.")
                                .check_node(check_credential);
  return table;
}

Sha256 hash_of(const KeyCredential& credential) {
  return credential.key.value.empty() ? parse_hash(credential.key_hash).value_or(Sha256{})
                                      : sha256(credential.key.value);
}
Sha256 hash_of_written(const config::Node& node) {
  return hash_of(credential_options().read(&node));
}

config::CredentialName name_of(const KeyCredential& credential) {
  std::string text = hex(hash_of(credential));
  return {.unique = text, .shown = text.substr(0, 12)};
}

// ---- the plugin ----

TokenPlaces places_of(const Config& config) {
  TokenPlaces places;
  if (config.key_in_header) places.headers = config.key_names;
  if (config.key_in_query) places.parameters = config.key_names;
  if (config.key_in_cookie) places.cookies = config.key_names;
  return places;
}

class KeyAuth : public plugin::Plugin {
 public:
  KeyAuth(const Config& config, plugin::BuildContext& context)
      : places_(places_of(config)),
        hides_(config.hide_credentials),
        policy_(config, "Key", context),
        consumers_(context.consumers()),
        keys_(context.shared_here<KeyTable>(
            "keys",
            [&] { return std::make_shared<KeyTable>(context.consumers()->credentials("key-auth"), hash_of_written); })),
        redis_(redis_keys(config, context)) {}

  Verdict on_request(Exchange& x) const noexcept override {
    if (policy_.passes_by(x)) {
      if (hides_) hide_token(x, places_);
      return Verdict::proceed;
    }
    const TokenFound found = find_token(x, places_);
    if (found.value.empty()) return policy_.missing(x);
    if (hides_) hide_token(x, places_);
    if (found.repeated) return policy_.invalid(x, "more than one key was sent");
    const Sha256 hash = sha256(found.value);
    if (const plugin::Credential* const credential = keys_->find(hash))
      return plugin::accept(x, {credential->consumer, credential, credential->id});
    if (redis_ == nullptr) return unknown(x);
    if (const std::optional<Answer> answer = redis_->remembered(x, hash)) return conclude(x, *answer);
    x.state<Sha256>(*this) = hash;
    return Verdict::suspend;
  }

  Task<Verdict> on_request_async(Exchange& x) const override {
    co_return conclude(x, co_await redis_->look_up(x, x.state<Sha256>(*this)));
  }

 private:
  static std::shared_ptr<const RedisKeys> redis_keys(const Config& config, plugin::BuildContext& context) {
    if (!config.redis) return nullptr;
    RedisKeys::Options options{config.redis_prefix, config.cache_duration, static_cast<std::size_t>(config.cache_size)};
    const std::string identity = options.prefix + '\n' + std::to_string(options.cache_duration.count()) + '\n' +
                                 std::to_string(options.cache_size);
    return context.shared_here<RedisKeys>(identity, [&] {
      return std::make_shared<RedisKeys>(std::move(options), context.redis(), context.consumers(), context.workers());
    });
  }

  Verdict unknown(Exchange& x) const { return policy_.invalid(x, "the key is not known"); }

  Verdict conclude(Exchange& x, const Answer& answer) const {
    switch (answer.kind) {
      case Answer::Kind::known:
        return accept(x, answer.key);
      case Answer::Kind::unknown:
        return unknown(x);
      case Answer::Kind::unavailable:
        return policy_.unavailable(x, "the key cannot be looked up now");
      case Answer::Kind::cancelled:
        break;
    }
    return x.refuse(x.scope->reason());
  }

  /// The exchange keeps the key, to which it points, to its end.
  static Verdict accept(Exchange& x, const std::shared_ptr<const RedisKey>& key) {
    keep_to_end(x, key);
    return plugin::accept(x, {key->credential.consumer, &key->credential, key->credential.id});
  }

  const TokenPlaces places_;
  const bool hides_;
  const AuthenticationPolicy policy_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what the keys point into
  const std::shared_ptr<const KeyTable> keys_;
  const std::shared_ptr<const RedisKeys> redis_;  ///< null: the configuration's keys are all
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("key-auth", "Knows consumers by a key that they send.", 1250, options());
  info.authenticates = true;
  info.credential_headers = [](const config::Node* node) { return places_of(options().read(node)).headers; };
  info.credential = config::credential_info(credential_options(), name_of);
  info.secret_parameters = [](const config::Node* node) { return options().read(node).key_names; };
  info.needs_redis = [](const config::Node* node) { return options().read(node).redis ? "redis" : ""; };
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<KeyAuth>(options().read(node), context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "key-auth",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<KeyAuth>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::key_auth
