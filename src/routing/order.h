#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/model.h"
#include "routing/pattern.h"

namespace gatehouse::routing {

/// One way in which a route can be reached: it is as many entries as it has hosts times paths.
struct OrderedEntry {
  static constexpr std::uint32_t kAny = UINT32_MAX;
  std::uint32_t route = 0;
  std::uint32_t host = kAny;  ///< index into the route's hosts
  std::uint32_t path = kAny;  ///< index into the route's paths
};

/// What match, explain and check share of one route.
struct RouteInfo {
  std::string name;
  int priority = 0;
  std::vector<std::string> hosts;
  std::vector<PathShape> paths;
  std::uint32_t conditions = 0;  ///< header, query, client and scheme conditions
  bool has_methods = false;
};

/// All routes of a model and their one order.
struct RouteTable {
  explicit RouteTable(const config::Model& model);

  std::vector<RouteInfo> routes;
  std::vector<OrderedEntry> order;

  const std::string* host(const OrderedEntry& entry) const {
    return entry.host == OrderedEntry::kAny ? nullptr : &routes[entry.route].hosts[entry.host];
  }
  const PathShape* path(const OrderedEntry& entry) const {
    return entry.path == OrderedEntry::kAny ? nullptr : &routes[entry.route].paths[entry.path];
  }
  /// "priority 0, host exact, path literal depth 2, 1 condition"
  std::string rank_text(const OrderedEntry& entry) const;
};

/// How many header, query, client and scheme conditions a route has.
std::uint32_t condition_count(const config::Route& route);

}  // namespace gatehouse::routing
