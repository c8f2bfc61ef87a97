#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// The names of one kind of thing that there are.
struct Known {
  std::string_view word;
  std::vector<std::string> names;
  std::unordered_set<std::string_view> index = {};

  void seal() { index.insert(names.begin(), names.end()); }
};

class ReferenceChecker {
 public:
  ReferenceChecker(const Model& model, const Catalogue& catalogue, Diagnostics& out)
      : model_(model), catalogue_(catalogue), redis_(model.redis.has_value()), out_(out) {
    for (const Service& service : model.services) services_.names.push_back(service.name);
    for (const Route& route : model.routes) routes_.names.push_back(route.name);
    for (const Tier& tier : model.tiers) tiers_.names.push_back(tier.name);
    for (const Consumer& consumer : model.consumers) {
      consumers_.names.push_back(consumer.username);
      for (const std::string& group : consumer.groups) groups_.names.push_back(group);
      if (!consumer.id.empty() && consumer.id != consumer.username) consumers_.names.push_back(consumer.id);
    }
    for (Known* const known : {&services_, &routes_, &consumers_, &tiers_, &groups_}) known->seal();
  }

  void run() const {
    for_each_plugin_list(model_, [this](const std::vector<PluginUse>& plugins) { uses(plugins); });
  }

 private:
  void uses(const std::vector<PluginUse>& plugins) const {
    for (const PluginUse& use : plugins) {
      const PluginInfo* const info = catalogue_.plugin(use.name);
      if (info == nullptr || !info->references || !use.enabled) continue;
      for (const NameReference& reference : info->references(use.config.get())) check(reference, use);
    }
  }

  const Known& known(Named what) const {
    switch (what) {
      case Named::service:
        return services_;
      case Named::route:
        return routes_;
      case Named::tier:
        return tiers_;
      case Named::group:
        return groups_;
      case Named::consumer:
      case Named::caller:
        break;
    }
    return consumers_;
  }

  void check(const NameReference& reference, const PluginUse& use) const {
    const Known& among = known(reference.what);
    if (among.index.contains(reference.name)) return;
    const std::string path = use.config_path + ".config." + reference.path;
    const std::string fault = "no " + std::string(among.word) + " \"" + reference.name + "\"";
    if (reference.what == Named::group) {
      if (!redis_)
        out_.warning(reference.mark, path, fault + ": nobody is in it", suggest(reference.name, among.names));
    } else if (reference.what == Named::caller && redis_) {
      out_.warning(reference.mark, path, fault + " is written here: only keys in Redis can be of it");
    } else {
      out_.error(reference.mark, path, fault, suggest(reference.name, among.names));
    }
  }

  const Model& model_;
  const Catalogue& catalogue_;
  const bool redis_;
  Diagnostics& out_;
  Known services_{"service", {}}, routes_{"route", {}}, consumers_{"consumer", {}}, tiers_{"tier", {}},
      groups_{"group", {}};
};

}  // namespace

void find_redis(Model& model, const Node& tree, const Catalogue& catalogue, Diagnostics& out) {
  constexpr std::string_view kUsual = "127.0.0.1:6379";
  if (tree.find("redis") != nullptr) return;
  const auto want = [&](const PluginUse& use, const PluginInfo& info, const std::string& key) {
    const Place at = option_of(use, key);
    const std::string fault = "there is no \"redis\" at the top of the configuration";
    if (info.authenticates)
      return out.error(at.mark, at.path, fault, "redis: {address: \"127.0.0.1:6379\"} says where it is");
    if (model.redis) return;
    out.warning(at.mark, at.path, fault + ": the one at " + std::string(kUsual) + " is asked",
                "redis: {address: …} says where it is");
    model.redis.emplace();
    model.redis->address = parse_address(kUsual, false);
    model.redis->mark = at.mark;
  };
  for_each_plugin_list(model, [&](const std::vector<PluginUse>& plugins) {
    for (const PluginUse& use : plugins) {
      const PluginInfo* const info = catalogue.plugin(use.name);
      if (info == nullptr || !info->needs_redis || !use.enabled) continue;
      if (const std::string key = info->needs_redis(use.config.get()); !key.empty()) want(use, *info, key);
    }
  });
}

void check_references(const Model& model, const Catalogue& catalogue, Diagnostics& out) {
  ReferenceChecker(model, catalogue, out).run();
}

}  // namespace gatehouse::config
