#include "plugin/chain.h"

#include <algorithm>

namespace gatehouse::plugin {

Chain::Chain(std::vector<const Instance*> members) : members_(std::move(members)) {
  for (const Instance* member : members_) {
    const Hooks& hooks = member->type->hooks;
    const Plugin* plugin = member->plugin.get();
    if (hooks.request) request_.push_back(plugin);
    if (hooks.attempt) attempt_.push_back(plugin);
    if (hooks.response) response_.push_back(plugin);
    if (hooks.body) body_.push_back(plugin);
    if (hooks.complete) complete_.push_back(plugin);
  }
}

std::vector<const Instance*> merge_levels(std::span<const std::vector<Instance>* const> levels) {
  std::vector<const Instance*> merged;
  for (const std::vector<Instance>* level : levels) {
    for (const Instance& candidate : *level) {
      const auto same = [&](const Instance* other) {
        return other->type == candidate.type && other->instance == candidate.instance;
      };
      const auto found = std::find_if(merged.begin(), merged.end(), same);
      if (found != merged.end()) {
        *found = &candidate;
      } else {
        merged.push_back(&candidate);
      }
    }
  }
  std::erase_if(merged, [](const Instance* instance) { return !instance->use->enabled; });
  std::stable_sort(merged.begin(), merged.end(),
                   [](const Instance* a, const Instance* b) { return a->rank > b->rank; });
  return merged;
}

}  // namespace gatehouse::plugin
