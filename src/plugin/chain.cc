#include "plugin/chain.h"

#include <algorithm>

#include "plugin/authentication.h"

namespace gatehouse::plugin {

namespace {

bool is_same(const Instance* a, const Instance* b) {
  return a->type == b->type && a->instance == b->instance;
}

/// The plugins of `members` that have the hook, in the arena.
template <class Has>
Chain::Hooks hooks_in(std::span<const Instance* const> members, Arena& arena, Has has) {
  std::size_t count = 0;
  for (const Instance* member : members) count += has(member->type->hooks);
  const Plugin** const hooks = arena.array<const Plugin*>(count);
  std::size_t at = 0;
  for (const Instance* member : members) {
    if (has(member->type->hooks)) hooks[at++] = member->plugin.get();
  }
  return {hooks, count};
}

}  // namespace

Chain::Chain(std::span<const Instance* const> members, Arena& arena) {
  const Instance** const copy = arena.array<const Instance*>(members.size());
  std::copy(members.begin(), members.end(), copy);
  members_ = {copy, members.size()};
  request_ = hooks_in(members_, arena, [](const plugin::Hooks& hooks) { return hooks.request; });
  attempt_ = hooks_in(members_, arena, [](const plugin::Hooks& hooks) { return hooks.attempt; });
  response_ = hooks_in(members_, arena, [](const plugin::Hooks& hooks) { return hooks.response; });
  body_ = hooks_in(members_, arena, [](const plugin::Hooks& hooks) { return hooks.body; });
  complete_ = hooks_in(members_, arena, [](const plugin::Hooks& hooks) { return hooks.complete; });
  for (const Instance* member : members_)
    before_identity_ += member->type->hooks.request && member->rank >= kAuthenticationRank;
}

Chain lay_over(const Chain& chain, std::span<const Instance* const> nearer, Arena& arena) {
  const std::size_t most = chain.members().size() + nearer.size();
  const Instance** const merged = arena.array<const Instance*>(most);
  std::size_t count = 0;
  for (const Instance* member : chain.members()) merged[count++] = member;
  for (const Instance* candidate : nearer) {
    const Instance** const found =
        std::find_if(merged, merged + count, [&](const Instance* other) { return is_same(other, candidate); });
    *found = candidate;
    if (found == merged + count) ++count;
  }
  const Instance** const end =
      std::remove_if(merged, merged + count, [](const Instance* instance) { return !instance->use->enabled; });
  // By insertion: the list is short and nearly sorted, and std::stable_sort allocates.
  for (const Instance** at = merged; at != end; ++at) {
    const Instance* const moved = *at;
    const Instance** to = at;
    for (; to != merged && to[-1]->rank < moved->rank; --to) *to = to[-1];
    *to = moved;
  }
  return Chain({merged, static_cast<std::size_t>(end - merged)}, arena);
}

std::vector<const Instance*> merge_levels(std::span<const std::vector<Instance>* const> levels) {
  std::vector<const Instance*> merged;
  for (const std::vector<Instance>* level : levels) {
    for (const Instance& candidate : *level) {
      const auto found =
          std::ranges::find_if(merged, [&](const Instance* other) { return is_same(other, &candidate); });
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
