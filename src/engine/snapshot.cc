#include "engine/snapshot.h"

#include <algorithm>
#include <unordered_map>

#include "config/node.h"

namespace gatehouse::engine {
namespace {

using plugin::Instance;

class Builder {
 public:
  Builder(Snapshot& snapshot, std::span<const plugin::PluginType* const> types, Surroundings& surroundings)
      : snapshot_(snapshot), model_(snapshot.model()), types_(types), surroundings_(surroundings) {}

  void build() {
    snapshot_.consumers = std::make_shared<plugin::Consumers>(model_);
    surroundings_.plugin_context().begin(snapshot_.consumers);
    add_plugins_of_auth();
    add_tier_limits();
    add_consumer_plugins();
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
  /// Where a plugin stands, for what it keeps through reloads: `level`, and for what alone a consumer's plugin counts.
  /// No name has a line's end.
  static std::string scope_of(const std::string& level, const config::PluginUse& use) {
    const std::string part = !use.route.empty()     ? "\nroute " + use.route
                             : !use.service.empty() ? "\nservice " + use.service
                                                    : std::string();
    return level + part + " /" + use.instance;
  }

  std::vector<Instance> instances(std::span<const config::PluginUse> uses, const std::string& level) {
    std::vector<Instance> made;
    made.reserve(uses.size());
    for (const config::PluginUse& use : uses) {
      const auto type =
          std::find_if(types_.begin(), types_.end(), [&](const auto* each) { return each->name == use.name; });
      if (type == types_.end()) continue;  // the loader has refused unknown names
      const config::PluginInfo& info = info_of(**type);
      note_names(info, use);
      const int rank = use.before_auth ? plugin::kBeforeAuthenticationRank : info.rank;
      Instance instance{*type, rank, use.instance, nullptr, &use};
      surroundings_.plugin_context().enter(scope_of(level, use));
      if (use.enabled) instance.plugin = (*type)->make(use.config.get(), surroundings_.plugin_context());
      made.push_back(std::move(instance));
    }
    return made;
  }

  const config::PluginInfo& info_of(const plugin::PluginType& type) {
    const auto [at, fresh] = infos_.try_emplace(&type);
    if (fresh) at->second = type.info();
    return at->second;
  }

  void note_names(const config::PluginInfo& info, const config::PluginUse& use) {
    const auto add = [](std::vector<std::string>& to, std::vector<std::string> names) {
      for (std::string& name : names) {
        if (std::ranges::find(to, name) == to.end()) to.push_back(std::move(name));
      }
    };
    if (!use.enabled) return;
    if (info.identity_headers) add(snapshot_.identity_headers, info.identity_headers(use.config.get()));
    if (info.secret_parameters) add(snapshot_.secret_parameters, info.secret_parameters(use.config.get()));
  }

  /// What an `auth` names and no list has stands there with its default options.
  void add_plugins_of_auth() {
    std::vector<std::pair<std::string, config::Mark>> names;  // each with the place that names it first
    const auto note = [&names](const std::optional<config::Authentication>& auth) {
      if (!auth) return;
      for (const std::string& name : auth->plugins) {
        const auto known = std::ranges::find(names, name, &std::pair<std::string, config::Mark>::first);
        if (known == names.end()) names.emplace_back(name, auth->mark);
      }
    };
    for (const config::Service& service : model_.services) note(service.auth);
    for (const config::Route& route : model_.routes) note(route.auth);
    for (const auto& [name, mark] : names) {
      config::PluginUse& use = snapshot_.made_uses.emplace_back();
      use.name = name;
      use.mark = mark;
      use.config_path = "auth";
      for (Instance& instance : instances({&use, 1}, "auth")) snapshot_.named_by_auth.push_back(std::move(instance));
    }
  }

  /// A tier's limits hold wherever its consumers are known: one limiter for all routes.
  void add_tier_limits() {
    const bool named = std::ranges::any_of(model_.consumers, [](const config::Consumer& consumer) {
      return !consumer.tier.empty() || std::ranges::any_of(consumer.credentials, [](const auto& credential) {
        return !credential.tier.empty() || credential.rate_limit;
      });
    });
    if (!named && !knows_consumers_by_redis()) return;
    config::Node tiers = config::Node::mapping();
    for (const config::Tier& tier : model_.tiers) {
      config::Node limits = config::Node::mapping();
      for (const Rate& rate : tier.limits) {
        limits.set(std::string(kPeriodNames[static_cast<std::size_t>(rate.period)]),
                   config::Node::integer(static_cast<std::int64_t>(rate.most)));
      }
      tiers.set(tier.name, std::move(limits));
    }
    auto node = std::make_shared<config::Node>(config::Node::mapping());
    node->set("tiers", std::move(tiers));
    config::PluginUse& use = snapshot_.made_uses.emplace_back();
    use.name = "rate-limiting";
    use.instance = "(tiers)";  // no name that anybody could write
    use.config = std::move(node);
    use.config_path = "tiers";
    for (const char* key : {"tiers", "consumers", "api_keys", "redis"}) {
      const config::Node* const section = snapshot_.loaded->tree->find(key);
      if (section == nullptr) continue;
      use.mark = section->mark();
      break;
    }
    snapshot_.tier_limits = instances({&use, 1}, "tiers");
  }

  /// Whether tiers and rates may come with keys that the configuration does not have.
  bool knows_consumers_by_redis() {
    const auto asks = [this](const std::vector<config::PluginUse>& uses) {
      return std::ranges::any_of(uses, [this](const config::PluginUse& use) {
        const auto type = std::ranges::find(types_, use.name, [](const auto* each) { return each->name; });
        if (!use.enabled || type == types_.end()) return false;
        const config::PluginInfo& info = info_of(**type);
        return info.authenticates && info.needs_redis && !info.needs_redis(use.config.get()).empty();
      });
    };
    return asks(model_.plugins) ||
           std::ranges::any_of(model_.services, [&](const auto& each) { return asks(each.plugins); }) ||
           std::ranges::any_of(model_.routes, [&](const auto& each) { return asks(each.plugins); });
  }

  void add_consumer_plugins() {
    for (std::size_t i = 0; i < model_.consumers.size(); ++i) {
      const config::Consumer& written = model_.consumers[i];
      if (written.plugins.empty()) continue;
      snapshot_.consumers->all()[i].plugins = static_cast<std::uint32_t>(snapshot_.consumer_plugins.size());
      snapshot_.consumer_plugins.push_back(instances(written.plugins, "consumer " + written.username));
    }
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
    std::vector<const std::vector<Instance>*> levels{&snapshot_.tier_limits, &snapshot_.global_plugins};
    const config::Service* service = nullptr;
    if (service_name != nullptr) {
      const std::uint32_t index = services_.at(*service_name);
      made.service = snapshot_.services[index].get();
      service = made.service->source;
      if (!snapshot_.service_plugins[index].empty()) levels.push_back(&snapshot_.service_plugins[index]);
    }
    if (route != nullptr && !snapshot_.route_plugins.back().empty()) levels.push_back(&snapshot_.route_plugins.back());
    std::vector<const Instance*> members = plugin::merge_levels(levels);
    authenticate(made, members, service, route);
    made.chain = plugin::Chain(members, snapshot_.arena);
    made.timeouts = resolve_timeouts(service, route);
    made.series =
        surroundings_.series(route != nullptr ? route->name : "", service_name != nullptr ? *service_name : "");
    return made;
  }

  /// Leaves those of the plugins that ask who calls which `auth` names, or all where there is none. One that it names
  /// and that does not stand there, or is switched off, stands there with its default options: nobody gets in for want
  /// of a plugin.
  void authenticate(Destination& made, std::vector<const Instance*>& members, const config::Service* service,
                    const config::Route* route) {
    const config::Authentication* auth = nullptr;
    if (service != nullptr && service->auth) auth = &*service->auth;
    if (route != nullptr && route->auth) auth = &*route->auth;
    if (auth != nullptr) apply(*auth, made.rules, members);
    made.authenticates =
        std::ranges::any_of(members, [&](const Instance* member) { return info_of(*member->type).authenticates; });
    if (made.authenticates) return;
    std::erase_if(members, [&](const Instance* member) {
      return std::ranges::any_of(snapshot_.tier_limits, [&](const Instance& limit) { return &limit == member; });
    });
  }

  void apply(const config::Authentication& auth, plugin::AuthenticationRules& rules,
             std::vector<const Instance*>& members) {
    const auto names = [&](const Instance& instance) { return instance.type->name; };
    std::erase_if(members, [&](const Instance* member) {
      return info_of(*member->type).authenticates &&
             std::ranges::find(auth.plugins, names(*member)) == auth.plugins.end();
    });
    for (const std::string& name : auth.plugins) {
      const auto is_it = [&](const Instance* member) { return names(*member) == name; };
      if (std::ranges::any_of(members, is_it)) continue;
      const auto made = std::ranges::find(snapshot_.named_by_auth, name, names);
      if (made != snapshot_.named_by_auth.end()) members.push_back(&*made);
    }
    std::ranges::stable_sort(members, [](const Instance* a, const Instance* b) { return a->rank > b->rank; });
    rules.written = true;
    rules.any = auth.mode == config::Authentication::Mode::any;
    if (!auth.anonymous.empty()) rules.anonymous = snapshot_.consumers->find(auth.anonymous);
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
  std::unordered_map<const plugin::PluginType*, config::PluginInfo> infos_;
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

const plugin::Chain* Snapshot::chain_for(const plugin::Exchange& x, const plugin::Chain& chain) const {
  if (x.consumer == nullptr || x.consumer->plugins == 0) return &chain;
  const std::vector<Instance>& own = consumer_plugins[x.consumer->plugins];
  const Instance** const nearer = x.arena.array<const Instance*>(own.size());
  std::size_t count = 0;
  // The consumer's, then those for a service, then those for a route: the nearest last.
  for (const int level : {0, 1, 2}) {
    for (const Instance& instance : own) {
      const config::PluginUse& use = *instance.use;
      const int of = !use.route.empty() ? 2 : !use.service.empty() ? 1 : 0;
      const bool here = of == 0 || (of == 1 ? use.service == x.service : use.route == x.route);
      if (of == level && here) nearer[count++] = &instance;
    }
  }
  return x.arena.make<plugin::Chain>(plugin::lay_over(chain, {nearer, count}, x.arena));
}

std::shared_ptr<Snapshot> build_snapshot(std::shared_ptr<const config::Loaded> loaded,
                                         std::shared_ptr<const routing::Router> router,
                                         std::span<const plugin::PluginType* const> types, Surroundings& surroundings) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->loaded = std::move(loaded);
  snapshot->router = std::move(router);
  snapshot->types.assign(types.begin(), types.end());
  Builder(*snapshot, types, surroundings).build();
  return snapshot;
}

}  // namespace gatehouse::engine
