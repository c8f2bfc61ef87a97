#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

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
/// Immutable, all workers.
class Chain {
 public:
  Chain() = default;
  explicit Chain(std::vector<const Instance*> members);

  std::span<const Plugin* const> request() const { return request_; }
  std::span<const Plugin* const> attempt() const { return attempt_; }
  std::span<const Plugin* const> response() const { return response_; }
  std::span<const Plugin* const> body() const { return body_; }
  std::span<const Plugin* const> complete() const { return complete_; }
  const std::vector<const Instance*>& members() const { return members_; }

 private:
  std::vector<const Instance*> members_;
  std::vector<const Plugin*> request_, attempt_, response_, body_, complete_;
};

/// Of several plugins of one name (and instance) the one of the nearest level counts: `levels` go from the farthest
/// (global) to the nearest (route). One that is not enabled takes the name away. The result is by rank, equal ranks in
/// the order of the lists.
std::vector<const Instance*> merge_levels(std::span<const std::vector<Instance>* const> levels);

}  // namespace gatehouse::plugin
