#include "plugins/jwt/issuers.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "config/http_url.h"
#include "plugins/common/idle_option.h"
#include "plugins/jwt/key_documents.h"

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

/// "" or why nobody can be believed because of what is in `file`.
std::string fault_of_authorities(const std::string& file) {
  ERR_set_mark();
  X509_STORE* const store = X509_STORE_new();
  const bool good = store != nullptr && X509_STORE_load_file(store, file.c_str()) == 1;
  X509_STORE_free(store);
  ERR_pop_to_mark();
  if (good) return "";
  return file + (::access(file.c_str(), R_OK) == 0 ? ": holds no certificate" : ": cannot be read");
}

bool is_here(const config::Address& address) {
  return address.kind == config::Address::Kind::ip ? address.ip.is_loopback() : address.host == "localhost";
}

/// Keys that are written are not fetched.
void check_written_keys(const IssuerConfig& issuer, const Node& node, const Where& at) {
  const IssuerConfig defaults;
  const std::string needs = "keys that are fetched, and there is \"jwks\"";
  if (!issuer.jwks_url.empty()) at.error("must have only one of \"jwks_url\" and \"jwks\"");
  if (!issuer.ca.empty()) refuse_idle(at, node, "ca", needs);
  if (issuer.min_refetch != defaults.min_refetch) refuse_idle(at, node, "min_refetch", needs);
  if (issuer.refresh != defaults.refresh) refuse_idle(at, node, "refresh", needs);
  if (issuer.timeout != defaults.timeout) refuse_idle(at, node, "timeout", needs);
  const auto content = read_keys(issuer.jwks, issuer.issuer, allowed_by(issuer));
  const Where there = at.key("jwks", node.find("jwks")->mark());
  if (content.value == nullptr) there.error(content.next.empty() ? content.error : "must be a JWK Set");
}

void check_issuer(const IssuerConfig& issuer, const Node& node, const Where& at) {
  if (!issuer.jwks.empty()) return check_written_keys(issuer, node, at);
  const bool discovered = issuer.jwks_url.empty();
  const char* const key = discovered ? "issuer" : "jwks_url";
  const Where there = at.key(key, node.find(key)->mark());
  const auto url = config::parse_http_url(discovered ? discovery_url(issuer.issuer) : issuer.jwks_url);
  if (!url) return there.error(url.error() + ", or there must be \"jwks_url\" or \"jwks\"");
  if (!url->tls && !is_here(url->address))
    there.warning("keys that come over http can be exchanged on the way, and with them everybody's tokens");
  if (issuer.ca.empty()) return;
  if (!url->tls && !discovered) return refuse_idle(at, node, "ca", "a \"jwks_url\" over https");
  const std::string fault = fault_of_authorities(issuer.ca);
  if (!fault.empty()) at.key("ca", node.find("ca")->mark()).error(fault);
}

const config::Options<IssuerConfig>& issuer_options() {
  static const auto table =
      config::Options<IssuerConfig>()
          .require("issuer", &IssuerConfig::issuer, config::non_empty(), "What `iss` of its tokens says.")
          .add("jwks_url", &IssuerConfig::jwks_url, http_url(),
               "Where its keys are; without it and `jwks`, what OpenID Connect's discovery at `issuer` names.")
          .add("jwks", &IssuerConfig::jwks, json_document(), "The keys themselves, as a JWK Set.")
          .add("algorithms", &IssuerConfig::algorithms,
               config::list_or_one(config::one_of(algorithm_names(jose::kAsymmetric)), 1),
               "What its tokens may be signed with; all with public keys without it.")
          .add("audience", &IssuerConfig::audience, config::list_or_one(config::non_empty(), 1),
               "One of these must be in `aud`.")
          .add("consumer_claim", &IssuerConfig::consumer_claim, config::non_empty(),
               "The claim with a consumer's username or id. Without it its tokens need no consumer.")
          .add("ca", &IssuerConfig::ca, config::file_name(),
               "PEM file: whom to believe about the place of its keys; the system's authorities without it.")
          .add("min_refetch", &IssuerConfig::min_refetch, config::duration(false, std::chrono::milliseconds(100)),
               "Between two fetches because of a key that is not known.")
          .add("refresh", &IssuerConfig::refresh, config::duration(false, std::chrono::seconds(1)),
               "The keys are fetched anew so often, sooner if Cache-Control says so.")
          .add("timeout", &IssuerConfig::timeout, config::duration(false, std::chrono::milliseconds(10)),
               "For one fetch.")
          .check_node(check_issuer);
  return table;
}

}  // namespace

config::Value<std::vector<IssuerConfig>> issuer_list() {
  return config::list(issuer_options().nested());
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
