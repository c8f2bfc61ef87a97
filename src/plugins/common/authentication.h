#pragma once
#include <optional>
#include <string>

#include "config/options.h"
#include "plugin/authentication.h"
#include "plugin/build_context.h"

/// What all authentication plugins have alike: options, ways out, the answer to who is not known.
namespace gatehouse::plugins {

struct OnInvalid {
  int status = 401;
  std::string response;  ///< JSON, "" for the gateway's own document
};

/// A base of their Config structs.
struct AuthenticationConfig {
  std::string realm, anonymous;
  bool hide_credentials = true;
  bool run_on_preflight = true;
  OnInvalid on_invalid;
};

/// Their rows, behind the plugin's own; `in_head`: the credential is one that a request's head holds.
template <class C>
config::Options<C> with_authentication(config::Options<C> table, bool in_head = true);

config::Value<OnInvalid> on_invalid();

template <class C>
config::Options<C> with_authentication(config::Options<C> table, bool in_head) {
  const auto text = [] {
    return config::string([](std::string_view value) -> std::string {
      return value.find_first_of("\"\\") != std::string_view::npos ? "must not contain quotes or backslashes"
                                                                   : config::check_header_value(value);
    });
  };
  if (in_head) table.add("realm", &C::realm, text(), "Told to clients with 401, in WWW-Authenticate.");
  table.add("anonymous", &C::anonymous, config::consumer_name(),
            "The consumer that stands in for who cannot be known; without one they are refused.");
  if (in_head) {
    table.add("hide_credentials", &C::hide_credentials, config::boolean(),
              "Takes the credential out of what services get.");
  }
  table
      .add("run_on_preflight", &C::run_on_preflight, config::boolean(),
           "Asks for a credential in a CORS preflight too, which browsers do not send.")
      .add("on_invalid", &C::on_invalid, on_invalid(),
           "The answer to who is refused: `status`, and `response` as JSON.");
  return table;
}

/// What stands in a challenge besides the realm; literals.
struct ChallengeParameters {
  std::string_view always;  ///< `charset="UTF-8"`
  std::string_view if_bad;  ///< only where there was a credential: `error="invalid_token"`
};

/// Decides as its plugin's options say. Immutable, any thread.
class AuthenticationPolicy {
 public:
  /// `scheme` is a literal: "Key", "Bearer".
  AuthenticationPolicy(const AuthenticationConfig& config, std::string_view scheme, plugin::BuildContext& context,
                       const ChallengeParameters& parameters = {});

  /// Nothing is to be done for this request.
  bool passes_by(const plugin::Exchange& x) const {
    return plugin::is_settled(x, otherwise_) || (x.preflight && !run_on_preflight_);
  }
  /// There is no credential.
  plugin::Verdict missing(plugin::Exchange& x) const { return refuse(x, "no credential was found", false); }
  /// There is one, and it is not good; `message` is a literal or in the arena, and says nothing about the secret.
  plugin::Verdict invalid(plugin::Exchange& x, std::string_view message) const { return refuse(x, message, true); }
  /// There is one, and it cannot be looked at now: not the client's fault, it may come again.
  plugin::Verdict unavailable(plugin::Exchange& x, std::string_view message,
                              Reason reason = Reason::no_healthy_target) const;
  /// It seemed good, and what came later shows that it is not: nobody else can let the request pass.
  plugin::Verdict refuse_at_last(plugin::Exchange& x, std::string_view message) const;

 private:
  plugin::Verdict refuse(plugin::Exchange& x, std::string_view message, bool shown) const;

  std::string challenge_, bad_challenge_;
  const OnInvalid on_invalid_;
  const bool run_on_preflight_;
  plugin::Otherwise otherwise_;
};

}  // namespace gatehouse::plugins
