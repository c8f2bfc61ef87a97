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
  ReferenceChecker(const Model& model, const Node& tree, const Catalogue& catalogue, Diagnostics& out)
      : model_(model), catalogue_(catalogue), redis_(tree.find("redis") != nullptr), out_(out) {
    for (const Service& service : model.services) services_.names.push_back(service.name);
    for (const Tier& tier : model.tiers) tiers_.names.push_back(tier.name);
    for (const Consumer& consumer : model.consumers) {
      consumers_.names.push_back(consumer.username);
      for (const std::string& group : consumer.groups) groups_.names.push_back(group);
      if (!consumer.id.empty() && consumer.id != consumer.username) consumers_.names.push_back(consumer.id);
    }
    for (Known* const known : {&services_, &consumers_, &tiers_, &groups_}) known->seal();
  }

  void run() {
    uses(model_.plugins);
    for (const Service& service : model_.services) uses(service.plugins);
    for (const Route& route : model_.routes) uses(route.plugins);
    for (const Consumer& consumer : model_.consumers) uses(consumer.plugins);
    for (const Service& service : model_.services) named_by(service.auth);
    for (const Route& route : model_.routes) named_by(route.auth);
    credentials();
  }

 private:
  void named_by(const std::optional<Authentication>& auth) {
    if (auth) asked_for_.insert(auth->plugins.begin(), auth->plugins.end());
  }

  /// Credentials for which no plugin asks let nobody in, and the API may be open where its writer believes it is not.
  void credentials() {
    for (const Consumer& consumer : model_.consumers) {
      for (const CredentialUse& credential : consumer.credentials) {
        const std::string& type = credential.type;
        if (type.empty() || !asked_for_.insert(type).second) continue;
        out_.warning(credential.mark, credential.config_path, "no plugin asks for credentials of " + type,
                     "plugins: [{name: " + type + "}]");
      }
    }
  }

  void uses(const std::vector<PluginUse>& plugins) {
    for (const PluginUse& use : plugins) {
      const PluginInfo* const info = catalogue_.plugin(use.name);
      if (info == nullptr || !use.enabled) continue;
      asked_for_.insert(use.name);
      if (!info->references) continue;
      for (const NameReference& reference : info->references(use.config.get())) check(reference, use);
    }
  }

  const Known& known(Named what) const {
    switch (what) {
      case Named::service:
        return services_;
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
  std::unordered_set<std::string_view> asked_for_;
  Known services_{"service", {}}, consumers_{"consumer", {}}, tiers_{"tier", {}}, groups_{"group", {}};
};

}  // namespace

void check_references(const Model& model, const Node& tree, const Catalogue& catalogue, Diagnostics& out) {
  ReferenceChecker(model, tree, catalogue, out).run();
}

}  // namespace gatehouse::config
