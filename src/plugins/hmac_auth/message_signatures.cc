#include "plugins/hmac_auth/message_signatures.h"

#include <algorithm>
#include <charconv>

#include "base/percent.h"
#include "plugins/common/lower_case.h"
#include "plugins/common/query_string.h"
#include "plugins/hmac_auth/field_values.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using plugin::Exchange;
using Kind = BareItem::Kind;

constexpr std::size_t kMostSignatures = 4;

constexpr std::string_view kDerived[] = {"@method",         "@authority", "@scheme", "@target-uri",
                                         "@request-target", "@path",      "@query"};

/// "www.Example.com:443" → "www.example.com" (RFC 9421 section 2.2.3).
std::string_view normal_authority(const Exchange& x) {
  std::string_view text = x.request.authority;
  const std::string_view port = x.https ? ":443" : ":80";
  if (text.ends_with(port)) text.remove_suffix(port.size());
  return lower_case(text, x.arena);
}

/// As forms are written, with %20 for a space (RFC 9421 section 2.2.8).
std::string_view form_encoded(std::string_view text, Arena& arena) {
  char* const start = arena.reserve(text.size() * 3);
  char* to = start;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || std::string_view("*-._").contains(c)) {
      *to++ = c;
      continue;
    }
    to = put_escape(to, c);
  }
  const std::string_view encoded(start, static_cast<std::size_t>(to - start));
  arena.take_back(text.size() * 3 - encoded.size());
  return encoded;
}

/// Values of components, and why one has none.
class Components {
 public:
  Components(const Exchange& x, std::string_view& fault) : x_(x), fault_(fault) {}

  bool value(const StringItem& item, std::string_view& to) {
    const std::string_view name = item.text;
    if (name == "@query-param") return query_parameter(item, to);
    if (!item.parameters.empty()) {
      return no(x_.arena.concat("the component parameter \"", item.parameters.front().key, "\" is not supported"));
    }
    if (name.starts_with('@')) return derived(name, to);
    return field(name, to);
  }

 private:
  bool no(std::string_view fault) {
    fault_ = fault;
    return false;
  }

  bool derived(std::string_view name, std::string_view& to) {
    const http::RequestHead& request = x_.request;
    const std::string_view scheme = x_.https ? "https" : "http";
    if (name == "@method") {
      to = request.method_text;
    } else if (name == "@authority") {
      to = normal_authority(x_);
    } else if (name == "@scheme") {
      to = scheme;
    } else if (name == "@target-uri") {
      to = x_.arena.concat(scheme, "://", normal_authority(x_), request.path, request.has_query ? "?" : "",
                           request.query);
    } else if (name == "@request-target") {
      to = request.target;
    } else if (name == "@path") {
      to = request.path;
    } else if (name == "@query") {
      to = x_.arena.concat("?", request.query);
    } else {
      return no(x_.arena.concat("the component \"", name, "\" is not supported"));
    }
    return true;
  }

  bool query_parameter(const StringItem& item, std::string_view& to) {
    const BareItem* const name = find_parameter(item.parameters, "name");
    if (name == nullptr || name->kind != Kind::string || item.parameters.size() != 1)
      return no("\"@query-param\" needs the parameter \"name\" and no other");
    const std::string_view plain = query_decoded(name->text, x_.arena);
    bool found = false;
    for (std::string_view rest = x_.request.query; !rest.empty();) {
      const QueryPart part = next_query_part(rest);
      if (part.text.empty() || !query_name_is(part.name(), plain)) continue;
      if (found) return no("a query parameter that the signature covers is there twice");
      found = true;
      to = part.rest();
      if (!to.empty()) to.remove_prefix(1);
    }
    if (!found) return no("a query parameter that the signature covers is not there");
    to = form_encoded(query_decoded(to, x_.arena), x_.arena);
    return true;
  }

  bool field(std::string_view name, std::string_view& to) {
    if (const std::string fault = check_component(name); !fault.empty())
      return no("a component must be the name of a field in lower case");
    if (is_gateways_field(name))
      return no(x_.arena.concat("\"", name, "\" cannot be covered: it ends at this gateway, or is changed by it"));
    if (joined_values(x_, name, to)) return true;
    return no(x_.arena.concat("\"", name, "\" is covered by the signature and not there"));
  }

  const Exchange& x_;
  std::string_view& fault_;
};

bool is_integer(const BareItem* item) {
  return item != nullptr && item->kind == Kind::integer;
}

/// Why the parameters of a signature are not good at `now_s`; "" where they are.
std::string_view parameters_fault(Parameters parameters, const SignatureRules& rules, std::int64_t now_s) {
  const BareItem* const alg = find_parameter(parameters, "alg");
  const BareItem* const keyid = find_parameter(parameters, "keyid");
  const BareItem* const created = find_parameter(parameters, "created");
  const BareItem* const expires = find_parameter(parameters, "expires");
  if (alg != nullptr && (alg->kind != Kind::string || alg->text != "hmac-sha256"))
    return "the signature's algorithm must be hmac-sha256";
  if (keyid == nullptr || keyid->kind != Kind::string || keyid->text.empty()) return "the signature needs a keyid";
  for (const std::string_view text : {"nonce", "tag"}) {
    const BareItem* const item = find_parameter(parameters, text);
    if (item != nullptr && item->kind != Kind::string) return "the signature's nonce and tag must be strings";
  }
  if ((created != nullptr && !is_integer(created)) || (expires != nullptr && !is_integer(expires)))
    return "the signature's times must be whole seconds";
  if (created == nullptr && rules.require_created) return "the signature needs the time when it was created";
  if (created != nullptr && created->integer > now_s + rules.skew_s) return "the signature is from the future";
  if (created != nullptr && created->integer < now_s - rules.skew_s) return "the signature is too old";
  if (expires != nullptr && expires->integer < now_s - rules.skew_s) return "the signature has expired";
  return {};
}

bool covers(const Member& input, std::string_view component) {
  return std::ranges::any_of(input.items,
                             [&](const StringItem& item) { return item.text == component && item.parameters.empty(); });
}

Checked check_one(const Exchange& x, const Member& input, std::string_view signature, const SecretTable& secrets,
                  const SignatureRules& rules, std::int64_t now_s) {
  if (const std::string_view fault = parameters_fault(input.parameters, rules, now_s); !fault.empty())
    return {.fault = fault};
  for (const std::string& component : rules.required) {
    if (!covers(input, component)) return {.fault = x.arena.concat("the signature must cover \"", component, "\"")};
  }
  if (rules.require_body && x.request.framing.has_body() && !covers(input, "content-digest"))
    return {.fault = "the signature must cover \"content-digest\", since there is a body"};
  std::string_view fault;
  const std::string_view text = signature_base(x, input, fault);
  if (!fault.empty()) return {.fault = fault};
  const SecretTable::Secret& secret = secrets.find(find_parameter(input.parameters, "keyid")->text);
  if (!is_signed(secret, HashKind::sha256, text, signature)) return {.fault = "the signature is wrong"};
  return {.credential = secret.credential};
}

}  // namespace

std::string check_component(std::string_view text) {
  if (text.starts_with('@')) {
    return std::ranges::find(kDerived, text) != std::end(kDerived)
               ? ""
               : "must be a field's name in lower case, or @method, @authority, @scheme, @target-uri, @request-target, "
                 "@path or @query";
  }
  const bool upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
  return http::is_token(text) && !upper ? "" : "must be a field's name in lower case";
}

std::string_view signature_base(const Exchange& x, const Member& input, std::string_view& fault) {
  struct Line {
    std::string_view name, value;
  };
  Line lines[kMostItems + 1];
  std::size_t count = 0, size = 0;
  Components components(x, fault);
  for (const StringItem& item : input.items) {
    Line& line = lines[count];
    if (!components.value(item, line.value)) return {};
    line.name = serialise_item(item, x.arena);
    if (std::any_of(lines, lines + count, [&](const Line& other) { return other.name == line.name; })) {
      fault = "the signature covers a component twice";
      return {};
    }
    size += line.name.size() + line.value.size() + 3;
    ++count;
  }
  lines[count] = {"\"@signature-params\"", serialise_list(input, x.arena)};
  size += lines[count].name.size() + lines[count].value.size() + 3;
  ++count;
  char* const start = x.arena.reserve(size);
  char* to = start;
  for (const Line& line : std::span(lines, count)) {
    to = std::ranges::copy(line.name, to).out;
    to = std::ranges::copy(std::string_view(": "), to).out;
    to = std::ranges::copy(line.value, to).out;
    *to++ = '\n';
  }
  return {start, size - 1};  // the last line has no end
}

Checked check_message_signature(const Exchange& x, const SecretTable& secrets, const SignatureRules& rules,
                                std::int64_t now_s) {
  std::string_view input_text, signature_text;
  const bool has_input = joined_values(x, "signature-input", input_text);
  const bool has_signature = joined_values(x, "signature", signature_text);
  if (!has_input && !has_signature) return {.missing = true};
  if (!has_input || !has_signature) return {.fault = "Signature and Signature-Input belong together"};
  std::span<const Member> inputs, signatures;
  if (!parse_dictionary(input_text, x.arena, inputs) || inputs.empty())
    return {.fault = "Signature-Input is not well-formed"};
  if (!parse_dictionary(signature_text, x.arena, signatures)) return {.fault = "Signature is not well-formed"};
  if (inputs.size() > kMostSignatures) return {.fault = "there are more than four signatures"};
  Checked result;
  for (const Member& input : inputs) {
    const auto signature = std::ranges::find(signatures, input.key, &Member::key);
    const bool pair = input.is_list && signature != signatures.end() && !signature->is_list;
    const Checked one = pair ? check_one(x, input, signature->bytes, secrets, rules, now_s)
                             : Checked{.fault = "a signature has no input, or an input no signature"};
    if (one.credential != nullptr) return one;
    if (result.fault.empty()) result = one;
  }
  return result;
}

}  // namespace gatehouse::plugins::hmac_auth
