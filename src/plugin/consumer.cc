#include "plugin/consumer.h"

#include <algorithm>

#include "base/random.h"
#include "base/sha256.h"

namespace gatehouse::plugin {
namespace {

/// A version 8 UUID (RFC 9562 section 5.8) made of the name's hash.
std::string id_of(std::string_view username) {
  const Sha256 hash = sha256(username);
  std::uint64_t high = 0, low = 0;
  for (std::size_t i = 0; i < 8; ++i) high = high << 8 | hash[i];
  for (std::size_t i = 8; i < 16; ++i) low = low << 8 | hash[i];
  char text[36];
  put_uuid(text, high, low);
  text[14] = '8';
  return std::string(text, sizeof text);
}

std::string joined(const std::vector<std::string>& groups) {
  std::string text;
  for (const std::string& group : groups) text += (text.empty() ? "" : ", ") + group;
  return text;
}

}  // namespace

bool Consumer::is_in(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

void complete(Consumer& consumer) {
  if (consumer.id.empty()) consumer.id = id_of(consumer.username);
  consumer.groups_text = joined(consumer.groups);
}

Consumers::Consumers(const config::Model& model) {
  for (const config::Tier& tier : model.tiers) tiers_.push_back(tier.name);
  consumers_.reserve(model.consumers.size());  // credentials point there
  for (const config::Consumer& written : model.consumers) {
    Consumer& consumer = consumers_.emplace_back();
    consumer.id = written.id;
    consumer.username = written.username;
    consumer.custom_id = written.custom_id;
    consumer.groups = written.groups;
    consumer.tier = written.tier;
    complete(consumer);
    by_name_.emplace(consumer.username, &consumer);
    by_name_.emplace(consumer.id, &consumer);
    for (const config::CredentialUse& use : written.credentials) {
      credentials_[use.type].push_back({.consumer = &consumer,
                                        .id = use.id,
                                        .tier = use.tier,
                                        .rate_limit = use.rate_limit,
                                        .services = use.services,
                                        .config = use.config.get(),
                                        .type = use.type});
    }
  }
}

const Consumer* Consumers::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : nullptr;
}

bool Consumers::has_tier(std::string_view name) const {
  return std::ranges::find(tiers_, name) != tiers_.end();
}

std::span<const Credential> Consumers::credentials(std::string_view type) const {
  const auto found = credentials_.find(type);
  return found != credentials_.end() ? std::span<const Credential>(found->second) : std::span<const Credential>();
}

}  // namespace gatehouse::plugin
