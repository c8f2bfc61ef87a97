#include "routing/order.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace gatehouse::routing {
namespace {

/// Exact before the longest wildcard before none. Two wildcards for one host are never of the same length.
std::uint32_t host_rank(const std::string* host) {
  constexpr std::uint32_t kNoHost = UINT32_MAX;
  if (host == nullptr) return kNoHost;
  return host->starts_with("*.") ? kNoHost - static_cast<std::uint32_t>(host->size()) : 0;
}

std::string path_text(const PathShape* path) {
  if (path == nullptr) return "no path";
  switch (path->kind) {
    case PathKind::exact:
      return "path exact";
    case PathKind::regex:
      return "path regex";
    case PathKind::segments:
      break;
  }
  std::string text = "path segments";
  for (const Segment& segment : path->segments) {
    text += segment.kind == Segment::Kind::literal   ? " literal"
            : segment.kind == Segment::Kind::capture ? " {}"
                                                     : " /*";
  }
  return text;
}

}  // namespace

std::uint32_t condition_count(const config::Route& route) {
  return static_cast<std::uint32_t>(route.headers.size() + route.query.size() + route.client_cert.size()) +
         (route.clients.empty() ? 0 : 1) + (route.scheme == config::SchemeMatch::any ? 0 : 1);
}

RouteTable::RouteTable(const config::Model& model) {
  routes.reserve(model.routes.size());
  struct Ranked {
    OrderedEntry entry;
    std::uint32_t host;
    std::string path;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(model.routes.size());
  for (std::uint32_t index = 0; index < model.routes.size(); ++index) {
    const config::Route& route = model.routes[index];
    RouteInfo info{route.name, route.priority, route.hosts, {}, condition_count(route), !route.methods.empty()};
    for (const config::PathPattern& pattern : route.paths) info.paths.push_back(parse_path(pattern.text));
    routes.push_back(std::move(info));
    const std::uint32_t hosts = static_cast<std::uint32_t>(route.hosts.size());
    const std::uint32_t paths = static_cast<std::uint32_t>(route.paths.size());
    for (std::uint32_t h = 0; h < std::max(hosts, 1u); ++h) {
      for (std::uint32_t p = 0; p < std::max(paths, 1u); ++p) {
        const OrderedEntry entry{index, hosts == 0 ? OrderedEntry::kAny : h, paths == 0 ? OrderedEntry::kAny : p};
        const PathShape* shape = path(entry);
        ranked.push_back({entry, host_rank(host(entry)), shape == nullptr ? "3" : path_rank(*shape)});
      }
    }
  }
  const auto before = [&](const Ranked& a, const Ranked& b) {
    const RouteInfo& x = routes[a.entry.route];
    const RouteInfo& y = routes[b.entry.route];
    if (x.priority != y.priority) return x.priority > y.priority;
    if (a.host != b.host) return a.host < b.host;
    if (const int paths = a.path.compare(b.path); paths != 0) return paths < 0;
    if (x.conditions != y.conditions) return x.conditions > y.conditions;
    if (x.has_methods != y.has_methods) return x.has_methods;
    return std::tie(a.entry.route, a.entry.host, a.entry.path) < std::tie(b.entry.route, b.entry.host, b.entry.path);
  };
  std::sort(ranked.begin(), ranked.end(), before);
  order.reserve(ranked.size());
  for (const Ranked& each : ranked) order.push_back(each.entry);
}

std::string RouteTable::rank_text(const OrderedEntry& entry) const {
  const RouteInfo& route = routes[entry.route];
  const std::string* name = host(entry);
  const std::string_view host_text = name == nullptr           ? "no host"
                                     : name->starts_with("*.") ? "host wildcard"
                                                               : "host exact";
  std::string text = fmt::format("priority {}, {}, {}, {} condition{}", route.priority, host_text,
                                 path_text(path(entry)), route.conditions, route.conditions == 1 ? "" : "s");
  if (route.has_methods) text += ", methods";
  return text;
}

}  // namespace gatehouse::routing
