#include "engine/snapshot.h"

#include <algorithm>
#include <unordered_map>

namespace gatehouse::engine {
namespace {

using plugin::Instance;

class Builder {
 public:
  Builder(Snapshot& snapshot, std::span<const plugin::PluginType* const> types, Surroundings& surroundings)
      : snapshot_(snapshot), model_(snapshot.model()), types_(types), surroundings_(surroundings) {}

  void build() {
    snapshot_.global_plugins = instances(model_.plugins, "global");
    for (const config::Service& service : model_.services) add_service(service);
    if (snapshot_.router == nullptr) snapshot_.router = routing::compile(model_);
    snapshot_.nowhere = destination(nullptr, nullptr);
    snapshot_.route_plugins.reserve(model_.routes.size());
    snapshot_.routes.reserve(model_.routes.size());
    for (std::uint32_t i = 0; i < model_.routes.size(); ++i) add_route(i);
    for (const config::Route& route : model_.routes) {
      for (const std::string& name : route.methods) {
        std::vector<std::string>& known = snapshot_.other_methods;
        if (http::parse_method(name) == http::Method::other && std::ranges::find(known, name) == known.end())
          known.push_back(name);
      }
    }
  }

 private:
  std::vector<Instance> instances(const std::vector<config::PluginUse>& uses, const std::string& scope) {
    std::vector<Instance> made;
    for (const config::PluginUse& use : uses) {
      const auto type =
          std::find_if(types_.begin(), types_.end(), [&](const auto* each) { return each->name == use.name; });
      if (type == types_.end()) continue;  // the loader has refused unknown names
      Instance instance{*type, rank_of(**type), use.instance, nullptr, &use};
      surroundings_.plugin_context().enter(scope + " /" + use.instance);
      if (use.enabled) instance.plugin = (*type)->make(use.config.get(), surroundings_.plugin_context());
      made.push_back(std::move(instance));
    }
    return made;
  }

  int rank_of(const plugin::PluginType& type) {
    const auto [at, fresh] = ranks_.try_emplace(&type, 0);
    if (fresh) at->second = type.info().rank;
    return at->second;
  }

  void add_service(const config::Service& service) {
    auto runtime = std::make_unique<ServiceRuntime>();
    runtime->name = service.name;
    runtime->authority = service.authority;
    runtime->base_path = service.base_path;
    runtime->source = &service;
    runtime->cluster = surroundings_.cluster(service);
    services_[service.name] = static_cast<std::uint32_t>(snapshot_.services.size());
    snapshot_.services.push_back(std::move(runtime));
    snapshot_.service_plugins.push_back(instances(service.plugins, "service " + service.name));
  }

  Destination destination(const std::string* service_name, const config::Route* route) {
    Destination made;
    std::vector<const std::vector<Instance>*> levels{&snapshot_.global_plugins};
    const config::Service* service = nullptr;
    if (service_name != nullptr) {
      const std::uint32_t index = services_.at(*service_name);
      made.service = snapshot_.services[index].get();
      service = made.service->source;
      if (!snapshot_.service_plugins[index].empty()) levels.push_back(&snapshot_.service_plugins[index]);
    }
    if (route != nullptr && !snapshot_.route_plugins.back().empty()) levels.push_back(&snapshot_.route_plugins.back());
    made.chain = plugin::Chain(plugin::merge_levels(levels));
    made.timeouts = resolve_timeouts(service, route);
    made.series =
        surroundings_.series(route != nullptr ? route->name : "", service_name != nullptr ? *service_name : "");
    return made;
  }

  void add_route(std::uint32_t index) {
    const config::Route& route = model_.routes[index];
    snapshot_.route_plugins.push_back(instances(route.plugins, "route " + route.name));
    RouteRuntime made;
    made.source = &route;
    made.max_body = route.limits.max_body;
    made.body_timeout = route.limits.body_timeout;
    const std::size_t patterns = std::max<std::size_t>(route.paths.size(), 1);
    if (route.rewrite.set()) {
      for (std::uint16_t i = 0; i < patterns; ++i) {
        made.rewrites.push_back(routing::compile_rewrite(route.rewrite, snapshot_.router->capture_names(index, i)));
      }
    }
    if (const auto* forward = std::get_if<config::ForwardAction>(&route.action)) {
      made.destinations.push_back(destination(&forward->service, &route));
    } else if (const auto* split = std::get_if<config::SplitAction>(&route.action)) {
      made.total_weight = 0;
      for (const config::SplitAction::Part& part : split->parts) {
        made.destinations.push_back(destination(&part.service, &route));
        made.destinations.back().weight = part.weight;
        made.total_weight += part.weight;
      }
      made.sticky_cookie = split->sticky_cookie;
      made.sticky_header = split->sticky_header;
    } else {
      made.destinations.push_back(destination(nullptr, &route));
      if (const auto* redirect = std::get_if<config::RedirectAction>(&route.action)) {
        made.redirect_status = redirect->status;
        for (std::uint16_t i = 0; i < patterns; ++i) {
          made.redirects.emplace_back(redirect->location, snapshot_.router->capture_names(index, i));
        }
      } else {
        const auto& respond = std::get<config::RespondAction>(route.action);
        made.respond_storage = std::make_unique<FixedResponse>(respond.status, respond.headers, respond.body);
        made.respond = made.respond_storage.get();
      }
    }
    snapshot_.routes.push_back(std::move(made));
  }

  Snapshot& snapshot_;
  const config::Model& model_;
  std::span<const plugin::PluginType* const> types_;
  Surroundings& surroundings_;
  std::unordered_map<std::string, std::uint32_t> services_;
  std::unordered_map<const plugin::PluginType*, int> ranks_;
};

}  // namespace

ResolvedTimeouts resolve_timeouts(const config::Service* service, const config::Route* route) {
  const config::Timeouts none;
  const config::Timeouts& inner = route != nullptr ? route->timeouts : none;
  const config::Timeouts& outer = service != nullptr ? service->timeouts : none;
  const auto pick = [](std::optional<Duration> near, std::optional<Duration> far, Duration otherwise) {
    return near ? *near : far ? *far : otherwise;
  };
  using std::chrono::seconds;
  return {
      .connect = pick(inner.connect, outer.connect, seconds(5)),
      .send = pick(inner.send, outer.send, seconds(30)),
      .read = pick(inner.read, outer.read, seconds(30)),
      .total = pick(inner.total, outer.total, kOff),
      .stream_idle = pick(inner.stream_idle, outer.stream_idle, std::chrono::hours(1)),
  };
}

const ServiceRuntime* Snapshot::service(std::string_view name) const {
  for (const auto& service : services) {
    if (service->name == name) return service.get();
  }
  return nullptr;
}

std::shared_ptr<Snapshot> build_snapshot(std::shared_ptr<const config::Loaded> loaded,
                                         std::shared_ptr<const routing::Router> router,
                                         std::span<const plugin::PluginType* const> types, Surroundings& surroundings) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->loaded = std::move(loaded);
  snapshot->router = std::move(router);
  Builder(*snapshot, types, surroundings).build();
  return snapshot;
}

}  // namespace gatehouse::engine
