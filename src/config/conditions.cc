#include "config/conditions.h"

#include <algorithm>

#include "base/hex.h"
#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

bool decode_operator(const Node& node, const Where& at, ValueMatch& to) {
  if (node.entries().size() != 1) {
    at.error("must have one of \"regex\" and \"present\"");
    return false;
  }
  const Node::Entry& entry = node.entries().front();
  const Where place = at.key(entry.key, entry.value.mark());
  if (entry.key == "regex") {
    to.kind = ValueMatch::Kind::regex;
    return non_empty().impl->decode(entry.value, place, &to.regex);
  }
  if (entry.key == "present") {
    bool present = true;
    if (!boolean().impl->decode(entry.value, place, &present)) return false;
    to.kind = present ? ValueMatch::Kind::present : ValueMatch::Kind::absent;
    return true;
  }
  at.key(entry.key, entry.key_mark).error("unknown key", suggest(entry.key, {"regex", "present"}));
  return false;
}

bool decode_match(const Node& node, const Where& at, ValueMatch& to) {
  if (node.is_mapping()) return decode_operator(node, at, to);
  if (!node.is_scalar() && (!node.is_sequence() || node.items().empty())) {
    at.expected("a value, a list of values, {regex: …} or {present: true}", node);
    return false;
  }
  return list_or_one(string()).impl->decode(node, at, &to.values);
}

/// "AB:CD…", as OpenSSL prints it, is the same fingerprint as "abcd…". False: it is none.
bool tidy_fingerprint(std::string& text) {
  std::erase(text, ':');
  text = lower(text);
  return text.size() == 64 && is_lower_hex(text);
}

bool is_alternative_name(std::string_view text) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"DNS:", "URI:", "email:"},
      [&](std::string_view kind) { return text.size() > kind.size() && text.starts_with(kind); });
}

bool check_certificate_match(NamedMatch& match, const Where& at) {
  const Where place = at.key(match.name, match.mark);
  if (match.name == "subject") return true;
  if (match.name != "san" && match.name != "fingerprint") {
    place.error("unknown key", suggest(match.name, {"subject", "san", "fingerprint"}));
    return false;
  }
  for (std::string& value : match.match.values) {
    const bool san = match.name == "san";
    if (san ? is_alternative_name(value) : tidy_fingerprint(value)) continue;
    place.error(san ? "must begin with DNS:, URI: or email:, got \"" + value + "\""
                    : "must be a SHA-256 of 64 hexadecimal digits, got \"" + value + "\"");
    return false;
  }
  return true;
}

}  // namespace

Value<std::vector<NamedMatch>> named_matches(bool headers) {
  return custom<std::vector<NamedMatch>>(
      {.decode =
           [headers](const Node& node, const Where& at, std::vector<NamedMatch>& to) {
             if (!node.is_mapping()) {
               at.expected("a mapping of names to conditions", node);
               return false;
             }
             if (node.entries().empty()) {
               at.error("must not be empty");
               return false;
             }
             bool good = true;
             for (const Node::Entry& entry : node.entries()) {
               const Where place = at.key(entry.key, entry.value.mark());
               NamedMatch match{.name = headers ? lower(entry.key) : entry.key, .match = {}, .mark = entry.key_mark};
               const std::string fault = headers ? check_header_name(entry.key, false) : "";
               const bool twice = std::ranges::find(to, match.name, &NamedMatch::name) != to.end();
               if (!fault.empty() || twice) {
                 at.key(entry.key, entry.key_mark).error(twice ? "stands twice, header names have no case" : fault);
                 good = false;
               }
               good = decode_match(entry.value, place, match.match) && good;
               to.push_back(std::move(match));
             }
             return good;
           },
       .type = "mapping of names to a value, a list, `{regex: …}` or `{present: true}`",
       .schema = schema_of_type("object")});
}

Value<std::vector<NamedMatch>> certificate_matches() {
  return custom<std::vector<NamedMatch>>(
      {.decode =
           [](const Node& node, const Where& at, std::vector<NamedMatch>& to) {
             bool good = named_matches(false).impl->decode(node, at, &to);
             for (NamedMatch& match : to) good = check_certificate_match(match, at) && good;
             return good;
           },
       .type = "mapping of `subject`, `san` and `fingerprint` to a value, a list, `{regex: …}` or `{present: true}`",
       .schema = schema_of_type("object")});
}

Value<std::string> host_pattern() {
  return custom<std::string>({.decode =
                                  [](const Node& node, const Where& at, std::string& to) {
                                    const std::string_view text = node.text();
                                    const bool wildcard = text.starts_with("*.");
                                    const std::string_view host = wildcard ? text.substr(2) : text;
                                    const bool address =
                                        !wildcard &&
                                        (IpAddress::parse(text) || (text.starts_with('[') && text.ends_with(']') &&
                                                                    IpAddress::parse(text.substr(1, text.size() - 2))));
                                    if (!node.is_scalar() || !(is_host_name(host) || address)) {
                                      at.expected("a host name without port, or *.name", node);
                                      return false;
                                    }
                                    to = lower(text);
                                    return true;
                                  },
                              .type = "host",
                              .schema = schema_of_type("string")});
}

Value<std::string> method() {
  return custom<std::string>({.decode =
                                  [](const Node& node, const Where& at, std::string& to) {
                                    if (!node.is_scalar() || !check_header_name(node.text(), false).empty()) {
                                      at.expected("a method", node);
                                      return false;
                                    }
                                    to = node.text();
                                    for (char& c : to) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
                                    if (to == "TRACE" || to == "CONNECT") at.warning("is always answered with 405");
                                    return true;
                                  },
                              .type = "method",
                              .schema = schema_of_type("string")});
}

Value<PathPattern> path_pattern() {
  return custom<PathPattern>({.decode =
                                  [](const Node& node, const Where& at, PathPattern& to) {
                                    if (!node.is_scalar() ||
                                        !(node.text().starts_with('/') || node.text().starts_with('~'))) {
                                      at.expected("a path that starts with / or ~", node);
                                      return false;
                                    }
                                    to = {node.text(), node.mark()};
                                    return true;
                                  },
                              .type = "path",
                              .schema = schema_of_type("string")});
}

namespace {
template <class List, class Text>
void join(const List& list, std::string_view separator, Text text, std::string& to) {
  bool first = true;
  for (const auto& item : list) {
    if (!first) to += separator;
    first = false;
    to += text(item);
  }
}

std::string match_text(const NamedMatch& named) {
  switch (named.match.kind) {
    case ValueMatch::Kind::present:
      return named.name;
    case ValueMatch::Kind::absent:
      return "!" + named.name;
    case ValueMatch::Kind::regex:
      return named.name + "~" + named.match.regex;
    case ValueMatch::Kind::one_of:
      break;
  }
  std::string text = named.name + "=";
  join(named.match.values, "|", [](const std::string& v) { return v; }, text);
  return text;
}
}  // namespace

std::string name_of_conditions(const Route& route) {
  const auto same = [](const std::string& text) { return text; };
  std::string name;
  const auto part = [&](std::string text) {
    if (text.empty()) return;
    if (!name.empty()) name += ' ';
    name += text;
  };
  std::string methods, place, headers, query, clients, certificate;
  join(route.methods, ",", same, methods);
  join(route.hosts, ",", same, place);
  join(route.paths, ",", [](const PathPattern& path) { return path.text; }, place);
  join(route.headers, " ", match_text, headers);
  join(route.query, "&", match_text, query);
  join(route.clients, ",", [](const Cidr& block) { return block.text(); }, clients);
  join(route.client_cert, " ", match_text, certificate);
  part(methods);
  part(place);
  part(headers);
  if (!query.empty()) part("?" + query);
  if (!clients.empty()) part("from " + clients);
  if (!certificate.empty()) part("certificate " + certificate);
  if (route.scheme != SchemeMatch::any) part(route.scheme == SchemeMatch::http ? "http" : "https");
  return name.empty() ? "any" : name;
}

}  // namespace gatehouse::config
