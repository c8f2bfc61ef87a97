#include "base/keyed_hash.h"
#include "base/password_hash.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/basic_auth/basic_scheme.h"
#include "plugins/basic_auth/user_table.h"
#include "plugins/basic_auth/verified_passwords.h"
#include "plugins/common/authentication.h"

namespace gatehouse::plugins::basic_auth {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config : AuthenticationConfig {
  Config() { realm = "service"; }  // the scheme needs one (RFC 7617 section 2)
  Duration cache_duration = std::chrono::seconds(60);
};

const config::Options<Config>& options() {
  static const auto table = with_authentication(config::Options<Config>().add(
      "cache_duration", &Config::cache_duration, config::duration(),
      "How long a password that was right is remembered, so that it need not be hashed again. 0 remembers nothing."));
  return table;
}

// ---- credentials ----

struct BasicCredential {
  std::string username;
  config::Secret password, password_hash;
};

std::string check_username(std::string_view name) {
  if (name.empty()) return "must not be empty";
  for (const char c : name) {
    if (c == ':') return "must not contain a colon: HTTP puts one between it and the password";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "must not contain control characters";
  }
  return "";
}

const config::Options<BasicCredential>& credential_options() {
  static const auto table =
      config::Options<BasicCredential>()
          .require("username", &BasicCredential::username, config::string(check_username), "The name to log in with.")
          .add("password", &BasicCredential::password, config::secret(), "The password itself, or …")
          .add("password_hash", &BasicCredential::password_hash, config::secret(),
               "… its hash by argon2id or bcrypt, as `gatehouse credential hash --type basic-auth` writes it.")
          .check([](const BasicCredential& credential, const config::Where& at) {
            const std::string& hash = credential.password_hash.value;
            if (credential.password.value.empty() == hash.empty()) {
              at.error("needs one of \"password\" and \"password_hash\"");
            } else if (!config::check_header_value(credential.password.value).empty()) {
              at.error("\"password\" has control characters, which no request can bring: a line's end from a file?");
            } else if (const std::string fault = hash.empty() ? "" : check_password_hash(hash); !fault.empty()) {
              at.error("\"password_hash\" " + fault);
            }
          });
  return table;
}

config::CredentialName name_of(const BasicCredential& credential) {
  return {.unique = credential.username, .shown = credential.username};
}

std::shared_ptr<UserTable> users_of(const plugin::Consumers& consumers) {
  std::vector<User> users;
  for (const plugin::Credential& credential : consumers.credentials("basic-auth")) {
    BasicCredential written = credential_options().read(credential.config);
    users.push_back({.name = std::move(written.username),
                     .hash = std::move(written.password_hash.value),
                     .plain = sha256(written.password.value),
                     .credential = &credential});
  }
  return std::make_shared<UserTable>(std::move(users));
}

// ---- the plugin ----

class BasicAuth : public plugin::Plugin {
 public:
  BasicAuth(const Config& config, plugin::BuildContext& context)
      : hides_(config.hide_credentials),
        keep_(config.cache_duration),
        policy_(config, "Basic", context, {.always = "charset=\"UTF-8\"", .if_bad = {}}),
        consumers_(context.consumers()),
        users_(context.shared_here<UserTable>("users", [&] { return users_of(*context.consumers()); })),
        offload_(context.offload()),
        verified_(context.process<VerifiedPasswords>(
            "basic-auth", [&] { return std::make_shared<VerifiedPasswords>(context.workers()); })) {}

  Verdict on_request(Exchange& x) const noexcept override {
    using Found = BasicCredentials::Found;
    const bool passes_by = policy_.passes_by(x);
    if (passes_by && !hides_) return Verdict::proceed;
    const BasicCredentials sent = find_basic(x);
    if (hides_ && sent.found != Found::none) x.request.fields.remove(http::FieldId::authorization);
    if (passes_by) return Verdict::proceed;
    if (sent.found == Found::none) return policy_.missing(x);
    if (sent.found == Found::repeated) return policy_.invalid(x, "more than one Authorization was sent");
    if (sent.found == Found::bad) return policy_.invalid(x, "what Authorization holds is not well-formed");

    const User* const known = users_->find(sent.username);
    const User* const user = known != nullptr ? known : users_->stand_in(sent.username);
    if (user == nullptr) return conclude(x, nullptr);
    if (user->hash.empty()) {
      const bool good = equal_in_constant_time(bytes_of(sha256(sent.password)), bytes_of(user->plain));
      return conclude(x, good ? known : nullptr);
    }
    Asked& asked = x.state<Asked>(*this);
    asked.user = user;
    asked.question = {.key = verified_->key(sent.username, user->hash, sent.password, x.arena),
                      .user = keyed_hash(sent.username).low,
                      .hash = user->hash,
                      .password = sent.password,
                      .known = known != nullptr,
                      .at = x.now};
    switch (verified_->look(x.worker, asked.question.key, x.now, keep_)) {
      case VerifiedPasswords::Answer::good:
        return conclude(x, user);
      case VerifiedPasswords::Answer::bad:
        return conclude(x, nullptr);
      case VerifiedPasswords::Answer::unknown:
        break;
    }
    if (x.scope != nullptr && offload_ != nullptr) return Verdict::suspend;
    return conclude(x, verified_->decide(x.worker, asked.question) ? user : nullptr);
  }

  Task<Verdict> on_request_async(Exchange& x) const override {
    constexpr Duration kPatience = std::chrono::seconds(10);
    const Asked& asked = x.state<Asked>(*this);
    Waiter waiter;
    const TimePoint deadline = deadline_after(x.scope->scheduler().now(), kPatience);
    Outcome outcome = Outcome::timeout;
    if (verified_->ask(x.worker, *offload_, asked.question, waiter)) {
      outcome = waiter.done ? Outcome::ready : co_await until(waiter.answered, *x.scope, deadline);
    }
    if (waiter.done) co_return conclude(x, waiter.good ? asked.user : nullptr);
    if (outcome == Outcome::cancelled) co_return x.refuse(x.scope->reason());
    co_return policy_.unavailable(x, "too many passwords are being looked at", Reason::overloaded);
  }

 private:
  /// What on_request leaves for its twin.
  struct Asked {
    const User* user;
    Question question;
  };

  Verdict conclude(Exchange& x, const User* user) const {
    // Which of the two was wrong is nobody's business.
    if (user == nullptr) return policy_.invalid(x, "the user name or the password is wrong");
    return plugin::accept(x, {user->credential->consumer, user->credential, user->credential->id});
  }

  const bool hides_;
  const Duration keep_;
  const AuthenticationPolicy policy_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what the users point into
  const std::shared_ptr<const UserTable> users_;
  const std::shared_ptr<const plugin::Offload> offload_;
  const std::shared_ptr<VerifiedPasswords> verified_;
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("basic-auth", "Knows consumers by user name and password.", 1100, options());
  info.authenticates = true;
  info.credential = config::credential_info(credential_options(), name_of);
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<BasicAuth>(options().read(node), context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "basic-auth",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<BasicAuth>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::basic_auth
