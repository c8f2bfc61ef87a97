#include "base/clock.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/authentication.h"
#include "plugins/common/idle_option.h"
#include "plugins/hmac_auth/body_digest.h"
#include "plugins/hmac_auth/field_values.h"
#include "plugins/hmac_auth/kong_signature.h"
#include "plugins/hmac_auth/message_signatures.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using plugin::Exchange;
using plugin::Verdict;

enum class Scheme : std::uint8_t { http_signatures, kong };

struct Config : AuthenticationConfig {
  Scheme scheme = Scheme::http_signatures;
  Duration clock_skew = std::chrono::seconds(300);
  std::vector<std::string> required_components{"@method", "@target-uri"};
  bool require_created = true;
  std::vector<std::string> algorithms{"hmac-sha256", "hmac-sha384", "hmac-sha512"};
  std::vector<std::string> enforce_headers;
  bool validate_body = false;
  std::uint64_t body_limit = 1024 * 1024;
};

void check_idle(const Config& config, const config::Node& node, const config::Where& at) {
  const Config defaults;
  const auto refuse = [&](bool written, const char* key, const char* needs) {
    if (written) refuse_idle(at, node, key, std::string("\"") + needs + "\"");
  };
  if (config.scheme == Scheme::kong) {
    refuse(config.required_components != defaults.required_components, "required_components",
           "scheme: http-signatures");
    refuse(config.require_created != defaults.require_created, "require_created", "scheme: http-signatures");
  } else {
    refuse(config.algorithms != defaults.algorithms, "algorithms", "scheme: kong");
    refuse(config.enforce_headers != defaults.enforce_headers, "enforce_headers", "scheme: kong");
  }
  refuse(!config.validate_body && config.body_limit != defaults.body_limit, "body_limit", "validate_body: true");
}

std::string check_covered(std::string_view text) {
  return text == "request-line" || text == "@request-target" || http::is_token(text)
             ? ""
             : "must be the name of a header, request-line or @request-target";
}

const config::Options<Config>& options() {
  static const auto table = with_authentication(
      config::Options<Config>()
          .add("scheme", &Config::scheme, config::choice<Scheme>({"http-signatures", "kong"}),
               "How requests are signed: `http-signatures` is RFC 9421, `kong` the scheme of Kong's plugin.")
          .add("clock_skew", &Config::clock_skew, config::duration(false, std::chrono::seconds(1)),
               "How far a signature's times, or the date, may be from now.")
          .add("required_components", &Config::required_components,
               config::list_or_one(config::string(check_component)), "RFC 9421: what a signature must cover at least.")
          .add("require_created", &Config::require_created, config::boolean(),
               "RFC 9421: a signature must say when it was made, so that it cannot be used for ever.")
          .add("algorithms", &Config::algorithms,
               config::list_or_one(config::one_of({"hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"}), 1),
               "Kong: the algorithms that are taken.")
          .add("enforce_headers", &Config::enforce_headers, config::list_or_one(config::string(check_covered)),
               "Kong: what a signature must cover besides the date.")
          .add("validate_body", &Config::validate_body, config::boolean(),
               "Where there is a body, the signature must cover its digest (`content-digest`, or Kong's `digest`), and "
               "it "
               "must be that body's. It is held back until it is complete.")
          .add("body_limit", &Config::body_limit, config::bytes(),
               "With `validate_body`: a longer body is refused, 413.")
          .check_node(check_idle));
  return table;
}

// ---- credentials ----

struct HmacCredential {
  std::string username;
  config::Secret secret;
};

const config::Options<HmacCredential>& credential_options() {
  static const auto table =
      config::Options<HmacCredential>()
          .require("username", &HmacCredential::username, config::string([](std::string_view text) -> std::string {
                     if (text.empty()) return "must not be empty";
                     return text.find_first_of("\"\\") != std::string_view::npos
                                ? "must not contain quotes or backslashes"
                                : config::check_header_value(text);
                   }),
                   "The name under which the client signs: RFC 9421's keyid, Kong's username.")
          .require("secret", &HmacCredential::secret, config::secret(), "What the client signs with.")
          .check([](const HmacCredential& credential, const config::Where& at) {
            if (credential.secret.value.size() < 16)
              at.warning(
                  "a secret of less than 16 bytes can be guessed; `gatehouse credential new --type hmac-auth` makes "
                  "one");
          });
  return table;
}

config::CredentialName name_of(const HmacCredential& credential) {
  return {.unique = credential.username, .shown = credential.username};
}

std::shared_ptr<SecretTable> secrets_of(const plugin::Consumers& consumers) {
  auto table = std::make_shared<SecretTable>();
  for (const plugin::Credential& credential : consumers.credentials("hmac-auth")) {
    const HmacCredential written = credential_options().read(credential.config);
    table->add(written.username, written.secret.value, credential);
  }
  return table;
}

// ---- the plugin ----

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

SignatureRules signature_rules(const Config& config) {
  return {config.required_components, whole_seconds(config.clock_skew), config.require_created, config.validate_body};
}

KongRules kong_rules(const Config& config) {
  KongRules rules{.required = config.enforce_headers,
                  .skew_s = whole_seconds(config.clock_skew),
                  .require_body = config.validate_body};
  for (const std::string& name : config.algorithms) {
    const std::string_view bits = std::string_view(name).substr(std::string_view("hmac-sha").size());
    rules.algorithms[bits == "1" ? 0 : bits == "256" ? 1 : bits == "384" ? 2 : 3] = true;
  }
  return rules;
}

class HmacAuth : public plugin::Plugin {
 public:
  HmacAuth(const Config& config, plugin::BuildContext& context)
      : kong_(config.scheme == Scheme::kong),
        hides_(config.hide_credentials),
        validates_(config.validate_body),
        body_limit_(config.body_limit),
        signature_rules_(signature_rules(config)),
        kong_rules_(kong_rules(config)),
        policy_(config, kong_ ? "hmac" : "Signature", context),
        consumers_(context.consumers()),
        secrets_(context.shared_here<SecretTable>("secrets", [&] { return secrets_of(*context.consumers()); })) {}

  Verdict on_request(Exchange& x) const noexcept override {
    if (policy_.passes_by(x)) {
      if (hides_) hide(x);
      return Verdict::proceed;
    }
    const std::int64_t now_s = wall_clock_us() / 1'000'000;
    const Checked checked = kong_ ? check_kong_signature(x, *secrets_, kong_rules_, now_s)
                                  : check_message_signature(x, *secrets_, signature_rules_, now_s);
    if (checked.missing) return policy_.missing(x);
    if (hides_) hide(x);
    if (checked.credential == nullptr) return policy_.invalid(x, checked.fault);
    if (validates_) {
      if (const std::string_view fault = expect_body(x); !fault.empty()) return policy_.invalid(x, fault);
    }
    return plugin::accept(x, {checked.credential->consumer, checked.credential, checked.credential->id});
  }

  void on_body(Exchange& x, const plugin::BodyChunk& chunk) const noexcept override {
    if (chunk.direction != plugin::Direction::request) return;
    const auto* const digests = x.find_state<BodyDigests>(*this);
    if (digests != nullptr && !are_of(*digests, chunk.bytes))
      policy_.refuse_at_last(x, "the body is not the one that was signed");
  }

 private:
  /// Has the body held back until it is complete. Gives what is wrong already now.
  std::string_view expect_body(Exchange& x) const {
    std::string_view value;
    if (!joined_values(x, kong_ ? "digest" : "content-digest", value)) return {};  // then there is no body
    const std::optional<BodyDigests> digests =
        kong_ ? parse_kong_digest(value, x.arena) : parse_content_digest(value, x.arena);
    if (!digests) return "the body's digest is not well-formed, or none that is known";
    if (!x.request.framing.has_body()) return are_of(*digests, "") ? "" : "the body is not the one that was signed";
    x.state<BodyDigests>(*this) = *digests;
    x.buffer_request_body(body_limit_);
    return {};
  }

  void hide(Exchange& x) const {
    if (!kong_) {
      x.request.fields.remove("Signature");
      x.request.fields.remove("Signature-Input");
      return;
    }
    for (http::Field& field : x.request.fields) {
      const bool place = field.id == http::FieldId::authorization || field.id == http::FieldId::proxy_authorization;
      if (place && http::equal_names(field.value.substr(0, field.value.find(' ')), "hmac")) field.removed = true;
    }
  }

  const bool kong_, hides_, validates_;
  const std::uint64_t body_limit_;
  const SignatureRules signature_rules_;
  const KongRules kong_rules_;
  const AuthenticationPolicy policy_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what the secrets point into
  const std::shared_ptr<const SecretTable> secrets_;
};

config::PluginInfo info() {
  config::PluginInfo info = config::plugin_info(
      "hmac-auth", "Knows consumers by requests that they sign with a shared secret.", 1030, options());
  info.authenticates = true;
  info.credential = config::credential_info(credential_options(), name_of);
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<HmacAuth>(options().read(node), context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "hmac-auth",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<HmacAuth>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::hmac_auth
