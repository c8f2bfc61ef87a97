#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// Fills in each plugin's own defaults, hides its secrets.
void complete_plugins(Node* owner, const Catalogue& catalogue) {
  Node* plugins = owner ? owner->find("plugins") : nullptr;
  if (!plugins) return;
  for (Node& use : plugins->items()) {
    const Node* name = use.find("name");
    const PluginInfo* info = name ? catalogue.plugin(name->text()) : nullptr;
    if (!info || !info->effective) continue;
    const Node* written = use.find("config");
    const auto config = info->effective(written && !written->is_null() ? written : nullptr);
    if (!config || config->entries().empty()) continue;
    if (Node* known = use.find("config")) {
      *known = *config;
    } else {  // where it stands when it is written, so that what is printed prints the same again
      use.entries().insert(use.entries().begin() + 1, {"config", use.mark(), *config});
    }
  }
}

/// Hides what consumers prove themselves with: all of it where nobody knows its type.
void complete_credentials(Node& consumer, const Catalogue& catalogue) {
  Node* credentials = consumer.find("credentials");
  if (!credentials) return;
  for (Node& credential : credentials->items()) {
    auto [common, own] = split_credential(credential);
    const Node* type = common.find("type");
    const PluginInfo* info = type ? catalogue.plugin(type->text()) : nullptr;
    if (info && info->credential) {
      own = info->credential->effective(own);
    } else {
      for (Node::Entry& entry : own.entries()) entry.value = Node::string("***");
    }
    for (Node::Entry& entry : own.entries()) common.entries().push_back(std::move(entry));
    credential = std::move(common);
  }
}

Node effective(const Loaded& loaded, const Catalogue& catalogue) {
  Node result = root_options().table()->effective(loaded.tree.get());
  result.erase("include");
  complete_plugins(&result, catalogue);
  for (const char* list : {"services", "routes", "consumers"}) {
    Node* owners = result.find(list);
    if (!owners) continue;
    for (Node& owner : owners->items()) complete_plugins(&owner, catalogue);
  }
  if (Node* consumers = result.find("consumers")) {
    for (Node& consumer : consumers->items()) complete_credentials(consumer, catalogue);
  }
  return result;
}

}  // namespace

std::string print_effective(const Loaded& loaded, const Catalogue& catalogue) {
  return to_yaml(effective(loaded, catalogue), true);
}

std::string print_effective_json(const Loaded& loaded, const Catalogue& catalogue) {
  return to_json(effective(loaded, catalogue), true);
}

}  // namespace gatehouse::config
