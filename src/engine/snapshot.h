#pragma once
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/arena.h"
#include "config/loader.h"
#include "plugin/authentication.h"
#include "plugin/chain.h"
#include "plugin/consumer.h"
#include "routing/router.h"
#include "telemetry/metrics.h"
#include "upstream/cluster.h"

namespace gatehouse::engine {

/// Timeouts of one route and service with every default filled in.
struct ResolvedTimeouts {
  Duration connect, send, read, total, stream_idle;
};
/// Either may be null.
ResolvedTimeouts resolve_timeouts(const config::Service* service, const config::Route* route);

/// A service of the configuration as the workers use it. The cluster is shared with other snapshots that have the same.
struct ServiceRuntime {
  std::string name;
  std::string authority;  ///< Host for it; "" keeps the client's
  std::string base_path;
  std::shared_ptr<upstream::Cluster> cluster;
  const config::Service* source = nullptr;
};

/// Where a route leads for one request: a service (or none, where the gateway answers), the plugins on the way, the
/// limits.
struct Destination {
  const ServiceRuntime* service = nullptr;
  plugin::Chain chain;
  bool authenticates = false;  ///< the chain asks who calls, by `rules`
  plugin::AuthenticationRules rules;
  ResolvedTimeouts timeouts{};
  telemetry::SeriesId series = 0;
  std::uint32_t weight = 1;  ///< in a split
};

/// A response that is fixed by the configuration.
struct FixedResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct RouteRuntime {
  const config::Route* source = nullptr;
  std::vector<Destination> destinations;  ///< one, or a split's
  std::uint32_t total_weight = 1;
  std::string sticky_cookie, sticky_header;
  std::vector<std::unique_ptr<routing::PathRewrite>> rewrites;  ///< by path pattern; null entries: none
  std::vector<routing::Template> redirects;                     ///< by path pattern, of a redirect
  int redirect_status = 0;
  const FixedResponse* respond = nullptr;
  std::unique_ptr<FixedResponse> respond_storage;
  std::optional<std::uint64_t> max_body;  ///< of requests; without one the listener's
  std::optional<Duration> body_timeout;
};

/// A built configuration: immutable, used by all workers at once. Made and destroyed on the control thread. An exchange
/// pins it with a plain count of its worker's (see Worker).
class Snapshot {
 public:
  std::shared_ptr<const config::Loaded> loaded;  ///< model and text; everything below points into it
  const config::Model& model() const { return loaded->model; }
  std::uint64_t version = 0;
  std::vector<const plugin::PluginType*> types;  ///< the plugins that there are

  std::shared_ptr<const routing::Router> router;
  std::vector<RouteRuntime> routes;        ///< by Model::routes' index
  std::vector<std::string> other_methods;  ///< that routes name and http::Method does not, each once
  std::vector<std::unique_ptr<ServiceRuntime>> services;
  Destination nowhere;  ///< where no route matches: the global plugins, for their response hooks

  /// Plugin instances by level; chains point into them.
  std::vector<plugin::Instance> global_plugins;
  std::vector<std::vector<plugin::Instance>> service_plugins, route_plugins;

  /// What is in no list of the configuration: `auth`'s plugins without one of their own, and the tiers' limits.
  std::deque<config::PluginUse> made_uses;
  std::vector<plugin::Instance> named_by_auth, tier_limits;

  std::shared_ptr<plugin::Consumers> consumers;
  /// By Consumer::plugins; the first is empty.
  std::vector<std::vector<plugin::Instance>> consumer_plugins{1};
  std::vector<std::string> identity_headers;   ///< besides those that every gateway knows: taken out of requests
  std::vector<std::string> secret_parameters;  ///< of queries, in this configuration

  const ServiceRuntime* service(std::string_view name) const;
  /// The chain with the plugins that the exchange's consumer has of its own; `chain` itself for one without.
  const plugin::Chain* chain_for(const plugin::Exchange& x, const plugin::Chain& chain) const;

  Arena arena;  ///< of the chains; control thread
};

/// What building a snapshot takes from the running gateway; `explain` and `check` have one without workers.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual plugin::BuildContext& plugin_context() = 0;
  virtual std::shared_ptr<upstream::Cluster> cluster(const config::Service& service) = 0;
  virtual telemetry::SeriesId series(std::string_view route, std::string_view service) = 0;
};

/// Builds what workers run from a model without errors. `types` are all plugins. `router` is one that was compiled from
/// the same model, null to compile one.
std::shared_ptr<Snapshot> build_snapshot(std::shared_ptr<const config::Loaded> loaded,
                                         std::shared_ptr<const routing::Router> router,
                                         std::span<const plugin::PluginType* const> types, Surroundings& surroundings);

}  // namespace gatehouse::engine
