#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/period.h"
#include "config/model.h"

namespace gatehouse::plugin {

/// Who calls, as services, logs and limits know them. Immutable; lives as long as the configuration or, where its
/// record stands elsewhere, as the exchange.
struct Consumer {
  std::string id;  ///< as written, or a UUID made from the username: the same after every start
  std::string username;
  std::string custom_id;  ///< "" for none
  std::vector<std::string> groups;
  std::string groups_text;    ///< "staff, admin"
  std::string tier;           ///< "" for none
  std::uint32_t plugins = 0;  ///< the engine's: index of its own plugins, 0 for none

  bool is_in(std::string_view group) const;
};

/// Fills in what follows from the rest: `id` where it is empty, `groups_text`.
void complete(Consumer& consumer);

/// One of a consumer's keys, passwords, certificates.
struct Credential {
  const Consumer* consumer = nullptr;
  std::string id;                        ///< what services and limits call it; never the secret
  std::string tier;                      ///< instead of its consumer's; "" for none of its own
  std::optional<Rate> rate_limit;        ///< instead of the tier's limits
  std::vector<std::string> services;     ///< that it may be used for; empty: all
  const config::Node* config = nullptr;  ///< what its type says, as its plugin's table has checked it; null elsewhere
  std::string_view type = {};            ///< the authentication plugin that knows it
};

/// The consumers of one configuration. Built on the control thread, then read by all workers.
class Consumers {
 public:
  Consumers() = default;
  /// `model` outlives it.
  explicit Consumers(const config::Model& model);
  Consumers(const Consumers&) = delete;
  Consumers& operator=(const Consumers&) = delete;

  /// By username or id; null for none.
  const Consumer* find(std::string_view name) const;
  /// Those whose `type` is the name of an authentication plugin.
  std::span<const Credential> credentials(std::string_view type) const;
  bool has_tier(std::string_view name) const;
  std::span<Consumer> all() { return consumers_; }
  std::span<const Consumer> all() const { return consumers_; }

 private:
  std::vector<Consumer> consumers_;  ///< in the model's order
  std::unordered_map<std::string_view, const Consumer*> by_name_;
  std::unordered_map<std::string_view, std::vector<Credential>> credentials_;
  std::vector<std::string_view> tiers_;
};

}  // namespace gatehouse::plugin
