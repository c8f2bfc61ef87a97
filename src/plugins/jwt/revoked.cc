#include "plugins/jwt/revoked.h"

#include "base/number.h"
#include "config/custom_kind.h"
#include "jose/times.h"

namespace gatehouse::plugins::jwt {
namespace {

using config::Node;
using config::Where;

bool take_tokens(const Node& node, const Where& at, Revoked& to) {
  if (!node.is_sequence()) {
    at.expected("a list of token ids", node);
    return false;
  }
  bool good = true;
  for (std::size_t i = 0; i < node.items().size(); ++i) {
    const Node& item = node.items()[i];
    if (item.is_scalar() && !item.text().empty()) {
      to.tokens.insert(item.text());
    } else {
      at.index(i, item.mark()).expected("a token's id", item);
      good = false;
    }
  }
  return good;
}

bool take_subjects(const Node& node, const Where& at, Revoked& to) {
  if (!node.is_mapping()) {
    at.expected("a mapping from subjects to Unix times", node);
    return false;
  }
  bool good = true;
  for (const Node::Entry& entry : node.entries()) {
    const std::string& text = entry.value.text();
    const auto time = parse_number<std::int64_t>(text);
    if (!entry.value.is_scalar() || !time || *time < 0) {
      at.key(entry.key, entry.value.mark()).expected("the Unix time before which its tokens were issued", entry.value);
      good = false;
    } else {
      to.subjects.insert_or_assign(entry.key, *time);
    }
  }
  return good;
}

bool take(const Node& node, const Where& at, Revoked& to) {
  if (node.is_null()) return true;  // an empty file
  if (!node.is_mapping()) {
    at.expected("a mapping with jti and sub", node);
    return false;
  }
  bool good = true;
  for (const Node::Entry& entry : node.entries()) {
    const Where there = at.key(entry.key, entry.value.mark());
    if (entry.key == "jti") {
      good = take_tokens(entry.value, there, to) && good;
    } else if (entry.key == "sub") {
      good = take_subjects(entry.value, there, to) && good;
    } else {
      there.error("unknown key, there are jti and sub");
      good = false;
    }
  }
  return good;
}

bool decode(const Node& node, const Where& at, Revoked& to) {
  if (!node.is_scalar()) return take(node, at, to);
  config::Diagnostics faults;
  const Node inner = config::parse_document(node.text(), "revoked", faults);
  if (faults.has_errors()) {
    at.error("must be YAML with jti and sub: " + faults.items().front().message);
    return false;
  }
  return take(inner, at, to);
}

}  // namespace

config::Value<Revoked> revoked_list() {
  return config::custom<Revoked>({.decode = decode, .type = "mapping or YAML"});
}

bool Revoked::contains(const jose::ClaimsView& claims, Arena& arena) const {
  if (!tokens.empty()) {
    const auto id = claims.text("jti", arena);
    if (id && tokens.contains(std::string(*id))) return true;
  }
  if (subjects.empty()) return false;
  const auto subject = claims.text("sub", arena);
  const auto found = subject ? subjects.find(std::string(*subject)) : subjects.end();
  return found != subjects.end() && jose::was_issued_before(claims, found->second);
}

}  // namespace gatehouse::plugins::jwt
