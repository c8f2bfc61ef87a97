#include "plugins/common/authentication.h"

#include "plugins/common/json_text.h"

namespace gatehouse::plugins {
namespace {

const config::Options<OnInvalid>& on_invalid_options() {
  static const auto table = config::Options<OnInvalid>()
                                .add("status", &OnInvalid::status, config::integer(400, 599), "The status.")
                                .add("response", &OnInvalid::response, json_text(), "The body, as JSON.");
  return table;
}

}  // namespace

config::Value<OnInvalid> on_invalid() {
  return on_invalid_options().nested();
}

AuthenticationPolicy::AuthenticationPolicy(const AuthenticationConfig& config, std::string_view scheme,
                                           plugin::BuildContext& context, const ChallengeParameters& parameters)
    : challenge_(scheme), on_invalid_(config.on_invalid), run_on_preflight_(config.run_on_preflight) {
  const std::string realm = config.realm.empty() ? "" : "realm=\"" + config.realm + "\"";
  std::string_view between = " ";
  for (const std::string_view each : {std::string_view(realm), parameters.always}) {
    if (each.empty() || scheme.empty()) continue;
    challenge_.append(between).append(each);
    between = ", ";
  }
  bad_challenge_ = challenge_;
  if (!parameters.if_bad.empty()) bad_challenge_.append(between).append(parameters.if_bad);
  if (!config.anonymous.empty()) otherwise_.anonymous = context.consumers()->find(config.anonymous);
}

plugin::Verdict AuthenticationPolicy::refuse_at_last(plugin::Exchange& x, std::string_view message) const {
  if (on_invalid_.response.empty()) {
    x.refuse(Reason::unauthenticated, message, on_invalid_.status);
  } else {
    x.refuse_with(Reason::unauthenticated, on_invalid_.response, on_invalid_.status);
  }
  if (on_invalid_.status == 401 && !challenge_.empty()) x.response.fields.append("WWW-Authenticate", challenge_);
  return plugin::Verdict::reply;
}

plugin::Verdict AuthenticationPolicy::refuse(plugin::Exchange& x, std::string_view message, bool shown) const {
  return plugin::reject(x,
                        {.challenge = shown ? bad_challenge_ : challenge_,
                         .message = message,
                         .status = on_invalid_.status,
                         .body = on_invalid_.response,
                         .shown = shown},
                        otherwise_);
}

plugin::Verdict AuthenticationPolicy::unavailable(plugin::Exchange& x, std::string_view message, Reason reason) const {
  return plugin::reject(
      x, {.challenge = {}, .message = message, .status = 503, .shown = true, .final = true, .reason = reason},
      otherwise_);
}

}  // namespace gatehouse::plugins
