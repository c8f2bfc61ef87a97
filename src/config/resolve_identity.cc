#include <algorithm>
#include <unordered_map>

#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// semantics.md, "Defaults": there until redefined.
const Tier kTiers[] = {{"free", {{100, Period::hour}}, {}},
                       {"standard", {{1'000, Period::hour}}, {}},
                       {"premium", {{10'000, Period::hour}}, {}},
                       {"enterprise", {{100'000, Period::hour}}, {}}};

class IdentityResolver {
 public:
  IdentityResolver(WrittenModel& model, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
                   const std::vector<std::string>& services, Diagnostics& out)
      : model_(model), tree_(tree), catalogue_(catalogue), services_(services), out_(out) {}

  void run() {
    tiers();
    for (const Consumer& consumer : model_.consumers) take_name(consumer);
    for (Consumer& consumer : model_.consumers) complete(consumer);
    if (!model_.api_keys.empty()) api_keys();
    if (model_.validation != nullptr && model_.api_keys.empty())
      out_.error(model_.validation->mark(), "validation", "has no \"api_keys\" to be of");
  }

 private:
  void tiers() {
    for (auto& [name, tier] : model_.written_tiers) {
      tier.name = name;
      if (const std::string fault = check_name(name); !fault.empty()) out_.error(tier.mark, "tiers." + name, fault);
      model_.tiers.push_back(tier);
    }
    for (const Tier& known : kTiers) {
      if (std::ranges::find(model_.tiers, known.name, &Tier::name) == model_.tiers.end()) model_.tiers.push_back(known);
    }
  }

  void take_name(const Consumer& consumer) {
    for (const std::string* name : {&consumer.username, &consumer.id}) {
      if (name->empty() || (name == &consumer.id && consumer.id == consumer.username)) continue;
      const auto [first, fresh] = names_.emplace(*name, consumer.mark);
      if (!fresh) {
        out_.error(consumer.mark, consumer.config_path + (name == &consumer.id ? ".id" : ".username"),
                   "\"" + *name + "\" is another consumer's name, first at " + first->second.text());
      }
    }
  }

  void tier(const std::string& name, const Mark& mark, const std::string& path) {
    if (name.empty() || std::ranges::find(model_.tiers, name, &Tier::name) != model_.tiers.end()) return;
    std::vector<std::string> known;
    for (const Tier& each : model_.tiers) known.push_back(each.name);
    out_.error(mark, path + ".tier", "no tier \"" + name + "\"", suggest(name, known));
  }

  void services(const std::vector<std::string>& names, const Mark& mark, const std::string& path) {
    for (const std::string& name : names) {
      if (std::ranges::find(services_, name) == services_.end())
        out_.error(mark, path + ".services", "no service \"" + name + "\"", suggest(name, services_));
    }
  }

  void complete(Consumer& consumer) {
    tier(consumer.tier, consumer.mark, consumer.config_path);
    for (CredentialUse& credential : consumer.credentials) complete(credential);
    check_plugins(consumer.plugins, tree_, catalogue_, out_);
    for (const PluginUse& use : consumer.plugins) rank(use);
    for (const PluginUse& use : consumer.plugins) place(use);
  }

  void rank(const PluginUse& use) {
    const PluginInfo* const info = catalogue_.plugin(use.name);
    if (info == nullptr) return;
    if (info->authenticates || info->rank >= kLowestAuthenticationRank || use.before_auth) {
      out_.error(use.mark, use.config_path,
                 "plugin \"" + use.name + "\" runs before it is known who calls: a consumer cannot have its own");
    }
  }

  void place(const PluginUse& use) {
    if (!use.service.empty() && std::ranges::find(services_, use.service) == services_.end())
      out_.error(use.mark, use.config_path + ".service", "no service \"" + use.service + "\"",
                 suggest(use.service, services_));
    if (use.route.empty()) return;
    std::vector<std::string> routes;
    for (const WrittenRoute& route : model_.written_routes) routes.push_back(route.name);
    if (std::ranges::find(routes, use.route) == routes.end())
      out_.error(use.mark, use.config_path + ".route", "no route is named \"" + use.route + "\"",
                 suggest(use.route, routes));
  }

  void complete(CredentialUse& credential) {
    tier(credential.tier, credential.mark, credential.config_path);
    services(credential.services, credential.mark, credential.config_path);
    if (credential.type.empty() || !credential.config) return;
    const PluginInfo* const info = catalogue_.plugin(credential.type);
    if (info == nullptr || !info->credential) {
      std::vector<std::string> types;
      for (const PluginInfo& plugin : catalogue_.plugins) {
        if (plugin.credential) types.push_back(plugin.name);
      }
      out_.error(credential.mark, credential.config_path + ".type",
                 "no credentials of type \"" + credential.type + "\" are known", suggest(credential.type, types));
      return;
    }
    const std::size_t before = out_.error_count();
    info->credential->check(*credential.config, credential.config_path, out_);
    if (out_.error_count() != before) return;
    const CredentialName name = info->credential->name(*credential.config);
    if (credential.id.empty()) credential.id = name.shown;
    const auto [first, fresh] = credentials_.emplace(credential.type + '\n' + name.unique, credential.mark);
    if (!fresh) {
      out_.error(credential.mark, credential.config_path,
                 "is the same " + credential.type + " credential as that at " + first->second.text());
    }
  }

  /// Each key becomes a consumer, and key-auth stands on every route.
  void api_keys() {
    const PluginInfo* const key_auth = catalogue_.plugin("key-auth");
    if (key_auth == nullptr || !key_auth->credential) {
      out_.error(model_.api_keys.front().mark, "api_keys", "not supported without the plugin key-auth");
      return;
    }
    for (const ApiKey& key : model_.api_keys) {
      if (key.key.value.empty() == key.key_hash.empty()) continue;  // has been reported
      Node own = Node::mapping(key.mark);
      if (key.key.value.empty()) {
        own.set("key_hash", Node::string(key.key_hash, key.key_mark));
      } else {
        own.set("key", Node::string(key.key.value, key.key_mark));
      }
      Consumer consumer;
      consumer.mark = key.mark;
      consumer.config_path = key.config_path;
      consumer.groups = key.groups;
      consumer.tier = key.tier;
      CredentialUse credential;
      credential.type = "key-auth";
      credential.rate_limit = key.rate_limit;
      credential.services = key.services;
      credential.config = std::make_shared<const Node>(std::move(own));
      credential.mark = key.mark;
      credential.config_path = key.config_path;
      const std::size_t before = out_.error_count();
      tier(consumer.tier, consumer.mark, consumer.config_path);
      complete(credential);
      if (out_.error_count() != before) continue;
      consumer.username = key.name.empty() ? "key-" + credential.id : key.name;
      take_name(consumer);
      consumer.credentials.push_back(std::move(credential));
      model_.consumers.push_back(std::move(consumer));
    }
    key_auth_everywhere(*key_auth);
  }

  void key_auth_everywhere(const PluginInfo& key_auth) {
    const auto is_key_auth = [](const PluginUse& use) { return use.name == "key-auth" && use.instance.empty(); };
    const auto stays_on = [&](const std::vector<PluginUse>& plugins) {
      const auto use = std::ranges::find_if(plugins, is_key_auth);
      if (use == plugins.end() || use->enabled) return;
      out_.error(use->mark, use->config_path,
                 "switches key-auth off, and the api_keys at " + model_.api_keys.front().mark.text() +
                     " put it on every route: routes without it say auth: none");
    };
    stays_on(model_.plugins);
    for (const Service& service : model_.services) stays_on(service.plugins);
    for (const WrittenRoute& route : model_.written_routes) stays_on(route.plugins);
    const auto own = std::ranges::find_if(model_.plugins, is_key_auth);
    if (own != model_.plugins.end()) {
      if (model_.validation != nullptr)
        out_.error(model_.validation->mark(), "validation",
                   "stands beside the plugin key-auth at " + own->mark.text() + ": write its settings in one place");
      return;
    }
    const Mark mark = model_.validation != nullptr ? model_.validation->mark() : model_.api_keys.front().mark;
    auto config = std::make_shared<Node>(Node::mapping(mark));
    if (model_.validation != nullptr) {
      const Node* const named = model_.validation->find("header_name");
      if (named != nullptr && model_.validation->find("key_names") != nullptr)
        out_.error(named->mark(), "validation.header_name", "stands beside \"key_names\", which means the same");
      for (const Node::Entry& entry : model_.validation->entries()) {
        const bool header_name = entry.key == "header_name";
        config->entries().push_back({header_name ? "key_names" : entry.key, entry.key_mark, entry.value});
      }
    }
    key_auth.check(config.get(), "validation", mark, out_);
    PluginUse use;
    use.name = "key-auth";
    use.config = std::move(config);
    use.mark = mark;
    use.config_path = "api_keys";
    model_.plugins.push_back(std::move(use));
  }

  WrittenModel& model_;
  const std::shared_ptr<const Node>& tree_;
  const Catalogue& catalogue_;
  const std::vector<std::string>& services_;
  Diagnostics& out_;
  std::unordered_map<std::string, Mark> names_, credentials_;
};

}  // namespace

void resolve_identity(WrittenModel& written, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
                      const std::vector<std::string>& services, Diagnostics& out) {
  IdentityResolver(written, tree, catalogue, services, out).run();
}

void check_authentication(const Authentication& auth, const std::string& path, const Model& model,
                          const Catalogue& catalogue, Diagnostics& out) {
  for (const std::string& name : auth.plugins) {
    const PluginInfo* const info = catalogue.plugin(name);
    if (info != nullptr && info->authenticates) {
      info->check(nullptr, path, auth.mark, out);
      continue;
    }
    std::vector<std::string> known;
    for (const PluginInfo& plugin : catalogue.plugins) {
      if (plugin.authenticates) known.push_back(plugin.name);
    }
    out.error(auth.mark, path, "\"" + name + "\" is no plugin that authenticates", suggest(name, known));
  }
  const auto is_named = [&](const Consumer& consumer) {
    return consumer.username == auth.anonymous || consumer.id == auth.anonymous;
  };
  if (auth.anonymous.empty() || std::ranges::any_of(model.consumers, is_named)) return;
  std::vector<std::string> names;
  for (const Consumer& consumer : model.consumers) names.push_back(consumer.username);
  out.error(auth.mark, path + ".anonymous", "no consumer \"" + auth.anonymous + "\"", suggest(auth.anonymous, names));
}

}  // namespace gatehouse::config
