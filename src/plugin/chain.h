#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "config/model.h"
#include "plugin/build_context.h"

namespace gatehouse::plugin {

/// A plugin as it stands in chains.
struct Instance {
  const PluginType* type = nullptr;
  int rank = 0;
  std::string instance;  ///< "" unless it is a second one of its kind
  std::shared_ptr<const Plugin> plugin;
  const config::PluginUse* use = nullptr;  ///< where it was written; lives as long as the model
};

/// The plugins of one route and service, by rank, as one flat array per phase: a hook that no plugin has costs nothing.
/// A view into the arena that it was made in. Immutable, all workers.
class Chain {
 public:
  Chain() = default;
  /// `members` are by rank.
  Chain(std::span<const Instance* const> members, Arena& arena);

  using Hooks = std::span<const Plugin* const>;
  /// Those that run before it is settled who calls, and those behind.
  Hooks before_identity() const { return request_.first(before_identity_); }
  Hooks behind_identity() const { return request_.subspan(before_identity_); }
  Hooks attempt() const { return attempt_; }
  Hooks response() const { return response_; }
  Hooks body() const { return body_; }
  Hooks complete() const { return complete_; }
  std::span<const Instance* const> members() const { return members_; }

 private:
  std::span<const Instance* const> members_;
  Hooks request_, attempt_, response_, body_, complete_;
  std::size_t before_identity_ = 0;
};

/// Of several plugins of one name (and instance) the one of the nearest level counts: `levels` go from the farthest
/// (global) to the nearest (route). One that is not enabled takes the name away. The result is by rank, equal ranks in
/// the order of the lists.
std::vector<const Instance*> merge_levels(std::span<const std::vector<Instance>* const> levels);

/// `chain` with `nearer` laid over it in the same way, for one exchange: without an allocation but the arena's.
Chain lay_over(const Chain& chain, std::span<const Instance* const> nearer, Arena& arena);

}  // namespace gatehouse::plugin
