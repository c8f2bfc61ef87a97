#include "plugins/rate_limiting/identity.h"

#include <algorithm>

#include "plugin/claims.h"
#include "plugin/consumer.h"
#include "plugins/common/field_lines.h"
#include "plugins/rate_limiting/answer.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

using plugin::Exchange;

/// A part of an identity; the kind tells apart parts that read alike.
struct Part {
  std::string_view kind, text;
};

std::string_view address(Exchange& x, const IpPrefix& prefix) {
  if (x.client_ip.unspecified()) return "unix";
  const int bits = x.client_ip.is_v4() ? prefix.ipv4 : prefix.ipv6;
  char* const to = static_cast<char*>(x.arena.allocate(IpAddress::kMaxText, 1));
  return {to, x.client_ip.masked(bits).write(to)};
}

/// A credential's id says nothing without what it is, and whose: a consumer's, or of which issuer.
std::string_view credential_of(Exchange& x) {
  if (x.credential_id.empty()) return {};
  std::string_view owner;
  if (x.consumer != nullptr) {
    owner = x.consumer->id;
  } else if (x.claims != nullptr) {
    owner = x.claims->text("iss", x.arena).value_or("");
  }
  const std::string_view type = x.credential != nullptr ? x.credential->type : "token";
  return x.arena.concat(type, " ", number(x.arena, owner.size()), ":", owner, x.credential_id);
}

/// An empty text where the request does not have it.
Part part_of(Exchange& x, const Config& config, LimitBy by) {
  switch (by) {
    case LimitBy::consumer:
      if (x.consumer != nullptr) return {"consumer:", x.consumer->id};
      return {"credential:", credential_of(x)};  // of a token whose issuer vouches for it
    case LimitBy::credential:
      return {"credential:", credential_of(x)};
    case LimitBy::ip:
      return {"ip:", address(x, config.ip_prefix)};
    case LimitBy::header:
      return {"header:", joined_lines(x.request.fields, config.header_name).value_or("")};
    case LimitBy::claim:
      if (x.claims == nullptr) return {};
      return {"claim:", x.claims->text(config.claim, x.arena).value_or("")};
    case LimitBy::path:
      return {"path:", config.path.empty() || config.path == x.path ? x.path : ""};
    case LimitBy::route:
      return {"route:", x.route};
    case LimitBy::service:
      return {"service:", x.service};
  }
  return {};
}

/// The text's length stands in front of it, so that no two lists of parts read alike.
std::string_view joined(Exchange& x, std::string_view all, const Part& part) {
  return x.arena.concat(all, part.kind, number(x.arena, part.text.size()), ":", part.text);
}

}  // namespace

std::string_view identity_of(Exchange& x, const Config& config) {
  std::string_view all;
  for (const LimitBy by : config.limit_by) {
    Part part = part_of(x, config, by);
    if (part.text.empty()) part = part_of(x, config, config.identifier);
    if (part.text.empty()) part = part_of(x, config, LimitBy::ip);
    all = joined(x, all, part);
  }
  return all;
}

std::string_view identity_of_consumer(Exchange& x) {
  return joined(x, {}, {"consumer:", x.consumer->id});
}

std::string_view identity_of_credential(Exchange& x) {
  return joined(x, {}, {"credential:", credential_of(x)});
}

bool is_exempt(const Exchange& x, const Exempt& exempt) {
  if (std::ranges::any_of(exempt.ips, [&](const Cidr& block) { return block.contains(x.client_ip); })) return true;
  if (x.consumer == nullptr) return false;
  const plugin::Consumer& consumer = *x.consumer;
  const auto is_named = [&](const std::string& name) { return name == consumer.username || name == consumer.id; };
  return std::ranges::any_of(exempt.consumers, is_named) ||
         std::ranges::any_of(exempt.groups, [&](const std::string& group) { return consumer.is_in(group); });
}

}  // namespace gatehouse::plugins::rate_limiting
