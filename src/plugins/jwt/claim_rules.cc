#include "plugins/jwt/claim_rules.h"

#include <re2/re2.h>

#include <algorithm>

#include "config/custom_kind.h"

namespace gatehouse::plugins::jwt {
namespace {

using config::Node;
using config::Where;

constexpr const char* kForm =
    "a claim's name, or one claim with what it must be: {aud: shop}, {role: {one_of: [a, b]}}, {sub: {regex: \"…\"}}";

bool take_values(const Node& node, const Where& at, ClaimRule& to) {
  to.kind = ClaimRule::Kind::one_of;
  const bool list = node.is_sequence();
  if (list && node.items().empty()) {
    at.error("must name at least one value");
    return false;
  }
  const auto take = [&](const Node& value) {
    if (!value.is_scalar()) {
      at.expected("a text, a number or true or false", value);
      return false;
    }
    to.values.push_back(value.text());
    return true;
  };
  return list ? std::ranges::all_of(node.items(), take) : take(node);
}

bool take_pattern(const Node& node, const Where& at, ClaimRule& to) {
  to.kind = ClaimRule::Kind::regex;
  if (!node.is_scalar()) {
    at.expected("a regular expression", node);
    return false;
  }
  auto pattern = std::make_shared<re2::RE2>(node.text(), re2::RE2::Quiet);
  if (!pattern->ok()) {
    at.error("must be a regular expression of RE2: " + pattern->error());
    return false;
  }
  to.pattern = std::move(pattern);
  return true;
}

bool take_rule(const Node& node, const Where& at, ClaimRule& to) {
  if (node.is_scalar() && !node.text().empty()) {
    to.claim = node.text();
    return true;
  }
  if (!node.is_mapping() || node.entries().size() != 1) {
    at.expected(kForm, node);
    return false;
  }
  const Node::Entry& entry = node.entries().front();
  to.claim = entry.key;
  const Where there = at.key(entry.key, entry.value.mark());
  if (!entry.value.is_mapping()) return take_values(entry.value, there, to);
  if (entry.value.entries().size() == 1) {
    const Node::Entry& how = entry.value.entries().front();
    const Where inside = there.key(how.key, how.value.mark());
    if (how.key == "one_of" || how.key == "equal") return take_values(how.value, inside, to);
    if (how.key == "regex") return take_pattern(how.value, inside, to);
  }
  there.expected("a value, or one of equal, one_of and regex", entry.value);
  return false;
}

}  // namespace

config::Value<std::vector<ClaimRule>> claim_rules() {
  return config::list_or_one(config::custom<ClaimRule>({.decode = take_rule, .type = "claim"}));
}

bool holds(const ClaimRule& rule, std::string_view text) {
  switch (rule.kind) {
    case ClaimRule::Kind::present:
      return true;
    case ClaimRule::Kind::one_of:
      return std::ranges::find(rule.values, text) != rule.values.end();
    case ClaimRule::Kind::regex:
      return re2::RE2::FullMatch({text.data(), text.size()}, *rule.pattern);
  }
  return false;
}

}  // namespace gatehouse::plugins::jwt
