#include "plugins/common/authentication.h"

#include "config/custom_kind.h"

namespace gatehouse::plugins {
namespace {

/// Any mapping, as JSON.
config::Value<std::string> json() {
  return config::custom<std::string>({.decode =
                                          [](const config::Node& node, const config::Where& at, std::string& to) {
                                            if (!node.is_mapping()) {
                                              at.expected("a mapping", node);
                                              return false;
                                            }
                                            to = config::to_json_line(node);
                                            return true;
                                          },
                                      .type = "mapping",
                                      .schema = config::schema_of_type("object")});
}

const config::Options<OnInvalid>& on_invalid_options() {
  static const auto table = config::Options<OnInvalid>()
                                .add("status", &OnInvalid::status, config::integer(400, 599), "The status.")
                                .add("response", &OnInvalid::response, json(), "The body, as JSON.");
  return table;
}

}  // namespace

config::Value<OnInvalid> on_invalid() {
  return on_invalid_options().nested();
}

AuthenticationPolicy::AuthenticationPolicy(const AuthenticationConfig& config, std::string_view scheme,
                                           plugin::BuildContext& context, std::string_view parameters)
    : challenge_(scheme), on_invalid_(config.on_invalid), run_on_preflight_(config.run_on_preflight) {
  if (!config.realm.empty()) challenge_ += " realm=\"" + config.realm + "\"";
  challenge_ += parameters;
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
                        {.challenge = challenge_,
                         .message = message,
                         .status = on_invalid_.status,
                         .body = on_invalid_.response,
                         .shown = shown},
                        otherwise_);
}

}  // namespace gatehouse::plugins
