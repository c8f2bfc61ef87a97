#include "plugins/jwt/issuers.h"

#include <algorithm>

#include "config/custom_kind.h"
#include "config/http_url.h"
#include "plugins/jwt/credentials.h"

namespace gatehouse::plugins::jwt {
namespace {

using config::Node;
using config::Where;

config::Value<std::string> http_url() {
  return config::string([](std::string_view text) {
    const auto url = config::parse_http_url(text);
    return url ? "" : url.error();
  });
}

/// Of published keys: a secret that is published is none.
config::Value<std::string> algorithm() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < jose::kAlgorithmCount; ++i) {
    const auto each = static_cast<jose::Algorithm>(i);
    if (jose::kAsymmetric.contains(each)) names.emplace_back(jose::to_string(each));
  }
  return config::one_of(std::move(names));
}

jose::AlgorithmSet allowed_by(const IssuerConfig& config) {
  if (config.algorithms.empty()) return jose::kAsymmetric;
  jose::AlgorithmSet allowed;
  for (const std::string& name : config.algorithms) {
    if (const auto each = jose::parse_algorithm(name)) allowed = allowed | *each;
  }
  return allowed;
}

/// Where OpenID Connect says that a provider describes itself (Discovery 1.0, section 4).
std::string discovery_url(std::string issuer) {
  while (issuer.ends_with('/')) issuer.pop_back();
  return issuer + "/.well-known/openid-configuration";
}

const config::Options<IssuerConfig>& issuer_options() {
  static const auto table =
      config::Options<IssuerConfig>()
          .require("issuer", &IssuerConfig::issuer, config::non_empty(), "What `iss` of its tokens says.")
          .add("jwks_url", &IssuerConfig::jwks_url, http_url(),
               "Where its keys are; without it and `jwks`, what OpenID Connect's discovery at `issuer` names.")
          .add("jwks", &IssuerConfig::jwks, json_document(), "The keys themselves, as a JWK Set.")
          .add("algorithms", &IssuerConfig::algorithms, config::list_or_one(algorithm(), 1),
               "What its tokens may be signed with; all with public keys without it.")
          .add("audience", &IssuerConfig::audience, config::list_or_one(config::non_empty(), 1),
               "One of these must be in `aud`.")
          .add("consumer_claim", &IssuerConfig::consumer_claim, config::non_empty(),
               "The claim with a consumer's username or id. Without it its tokens need no consumer.")
          .add("ca", &IssuerConfig::ca, config::non_empty(),
               "PEM file: whom to believe about the place of its keys; the system's authorities without it.")
          .add("min_refetch", &IssuerConfig::min_refetch, config::duration(false, std::chrono::milliseconds(100)),
               "Between two fetches because of a key that is not known.")
          .add("refresh", &IssuerConfig::refresh, config::duration(false, std::chrono::seconds(1)),
               "The keys are fetched anew so often, sooner if Cache-Control says so.")
          .add("timeout", &IssuerConfig::timeout, config::duration(false, std::chrono::milliseconds(10)),
               "For one fetch.")
          .check_node([](const IssuerConfig& issuer, const Node& node, const Where& at) {
            if (!issuer.jwks.empty() && !issuer.jwks_url.empty()) {
              at.error("must have only one of \"jwks_url\" and \"jwks\"");
            } else if (!issuer.jwks.empty()) {
              const auto content = read_keys(issuer.jwks, issuer.issuer, allowed_by(issuer));
              const Where there = at.key("jwks", node.find("jwks")->mark());
              if (content.value == nullptr) there.error(content.next.empty() ? content.error : "must be a JWK Set");
            } else if (issuer.jwks_url.empty()) {
              if (const auto url = config::parse_http_url(discovery_url(issuer.issuer)); !url) {
                at.key("issuer", node.find("issuer")->mark())
                    .error(url.error() + ", or there must be \"jwks_url\" or \"jwks\"");
              }
            }
          });
  return table;
}

}  // namespace

config::Value<std::vector<IssuerConfig>> issuer_list() {
  return config::list(issuer_options().nested());
}

plugin::DocumentContent read_keys(std::string_view body, std::string_view issuer, jose::AlgorithmSet allowed) {
  Arena arena;
  const auto document = jose::parse_json(body, arena);
  if (!document) return {nullptr, std::string("is not JSON: ") + document.error(), ""};
  if (const jose::JsonValue place = document->root().member("jwks_uri"); place.is(jose::JsonKind::string)) {
    if (document->root().member("issuer").text() != issuer) {
      return {nullptr, "describes another issuer: " + std::string(document->root().member("issuer").text()), ""};
    }
    return {nullptr, "", std::string(place.text())};
  }
  Result<jose::KeySet> keys = jose::parse_jwks(body, allowed);
  if (!keys) return {nullptr, keys.error().detail, ""};
  if (keys->keys().empty()) {
    // Taking it would lock everybody out because of somebody's mistake.
    return {nullptr, std::string("has no key that can be used ") + keys->skipped_why(), ""};
  }
  return {std::make_shared<const jose::KeySet>(std::move(*keys)), "", ""};
}

Issuer::Issuer(const IssuerConfig& config, plugin::BuildContext& context) : config_(config) {
  const jose::AlgorithmSet allowed = allowed_by(config);
  if (!config.jwks.empty()) {
    fixed_ = read_keys(config.jwks, config.issuer, allowed).value;
    return;
  }
  const std::string url = config.jwks_url.empty() ? discovery_url(config.issuer) : config.jwks_url;
  std::string identity = "jwks\n" + url + '\n' + config.issuer + '\n' + config.ca;
  for (const std::string& name : config.algorithms) identity += '\n' + name;
  for (const Duration each : {config.min_refetch, config.refresh, config.timeout}) {
    identity += '\n' + std::to_string(each.count());
  }
  document_ = context.document(identity, {.url = url,
                                          .ca = config.ca,
                                          .refresh = config.refresh,
                                          .min_refetch = config.min_refetch,
                                          .timeout = config.timeout,
                                          .max_size = jose::kMaxKeySetText,
                                          .read = [issuer = config.issuer, allowed](std::string_view body) {
                                            return read_keys(body, issuer, allowed);
                                          }});
}

}  // namespace gatehouse::plugins::jwt
