#include "plugins/jwt/key_documents.h"

#include "config/custom_kind.h"
#include "config/http_url.h"

namespace gatehouse::plugins::jwt {
namespace {

using config::Node;
using config::Where;
using jose::JsonValue;

/// "" or which member of the JWK is nobody else's (RFC 7518 section 6, RFC 8037 section 2).
std::string_view secret_member(JsonValue jwk) {
  for (const std::string_view name : {"k", "d", "p", "q", "dp", "dq", "qi", "oth"}) {
    if (jwk.is(jose::JsonKind::object) && jwk.member(name)) return name;
  }
  return "";
}

/// "" or what is secret in a JWK or a set of them. What else is wrong with it is told where it is read.
std::string secret_in(std::string_view text) {
  Arena arena;
  const auto document = jose::parse_json(text, arena, jose::kKeySetLimits);
  if (!document) return "";
  std::string_view name = secret_member(document->root());
  const JsonValue list = document->root().member("keys");
  if (list.is(jose::JsonKind::array)) {
    for (const JsonValue jwk : list) name = name.empty() ? secret_member(jwk) : name;
  }
  if (name.empty()) return "";
  if (name == "k") return "must not hold a secret (\"k\"): a consumer's goes into \"secret\"";
  return "must not hold a private key (\"" + std::string(name) + "\"): give the public key, the gateway only verifies";
}

bool decode(const Node& node, const Where& at, std::string& to) {
  if (node.is_mapping()) {
    to = config::to_json_line(node);
  } else if (node.is_scalar() && !node.text().empty()) {
    to = node.text();
  } else {
    at.expected("a mapping, or its JSON as text", node);
    return false;
  }
  const std::string fault = secret_in(to);
  if (!fault.empty()) at.error(fault);
  return fault.empty();
}

}  // namespace

config::Value<std::string> json_document() {
  return config::custom<std::string>(
      {.decode = decode, .type = "mapping or JSON", .print = [](const std::string& text) {
         return text.empty() ? Node() : Node::string(text);
       }});
}

plugin::DocumentContent read_keys(std::string_view body, std::string_view issuer, jose::AlgorithmSet allowed) {
  if (body.size() > jose::kMaxKeySetText) return {nullptr, "is longer than 1 MiB", ""};
  Arena arena;
  const auto document = jose::parse_json(body, arena, jose::kKeySetLimits);
  if (!document) return {nullptr, std::string("is not JSON: ") + document.error(), ""};
  if (const JsonValue place = document->root().member("jwks_uri"); place.is(jose::JsonKind::string)) {
    const std::string_view named = document->root().member("issuer").text();
    if (named != issuer) return {nullptr, "describes another issuer: " + config::shown_url(named), ""};
    return {nullptr, "", std::string(place.text())};
  }
  Result<jose::KeySet> keys = jose::parse_jwks(document->root(), allowed);
  if (!keys) return {nullptr, keys.error().detail, ""};
  if (keys->keys().empty()) {
    // Taking it would lock everybody out because of somebody's mistake.
    return {nullptr, std::string("has no key that can be used ") + keys->skipped_why(), ""};
  }
  return {std::make_shared<const jose::KeySet>(std::move(*keys)), "", ""};
}

std::vector<std::string> algorithm_names(jose::AlgorithmSet algorithms) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < jose::kAlgorithmCount; ++i) {
    const auto each = static_cast<jose::Algorithm>(i);
    if (algorithms.contains(each)) names.emplace_back(jose::to_string(each));
  }
  return names;
}

}  // namespace gatehouse::plugins::jwt
