#include "plugins/key_auth/key_record.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/hex.h"
#include "config/value_kinds.h"

namespace gatehouse::plugins::key_auth {
namespace {

constexpr std::size_t kLongestText = 4096;  ///< it goes to services in header fields

enum Field : std::size_t { kUsername, kId, kCustomId, kGroups, kTier, kRateLimit, kServices, kCredentialId };

/// The text of a field; nullopt where it is not there. `fault` says why it cannot be used.
std::optional<std::string_view> text_of(std::span<const RedisReply> values, Field field, std::string& fault) {
  const RedisReply& value = values[field];
  if (value.is_nil()) return std::nullopt;
  const bool plain = value.kind == RedisReply::Kind::string && value.text.size() <= kLongestText &&
                     config::check_told(value.text).empty();
  if (!plain) fault = "its " + std::string(kRecordFields[field]) + " is empty, too long or no plain text";
  return value.text;
}

/// "a, b"; one without an item is a fault.
std::vector<std::string> list_of(std::string_view text, Field field, std::string& fault) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  if (items.empty()) fault = "its " + std::string(kRecordFields[field]) + " names none";
  return items;
}

}  // namespace

std::expected<std::shared_ptr<const RedisKey>, std::string> read_record(std::span<const RedisReply> values,
                                                                        const Sha256& hash,
                                                                        const plugin::Consumers& consumers) {
  if (values.size() != std::size(kRecordFields)) return std::unexpected("it was not answered field by field");
  if (std::ranges::all_of(values, &RedisReply::is_nil)) return nullptr;
  std::string fault;
  const auto text = [&](Field field) { return text_of(values, field, fault); };
  const auto string = [&](Field field) { return std::string(text(field).value_or("")); };

  auto key = std::make_shared<RedisKey>();
  plugin::Credential& credential = key->credential;
  credential.type = "key-auth";
  plugin::Consumer& described = key->consumer;
  described.username = string(kUsername);
  described.id = string(kId);
  described.custom_id = string(kCustomId);
  if (described.username.empty() && fault.empty()) fault = "it has no username";
  if (const auto groups = text(kGroups)) described.groups = list_of(*groups, kGroups, fault);
  credential.tier = described.tier = string(kTier);
  if (!credential.tier.empty() && !consumers.has_tier(credential.tier)) fault = "no tier \"" + credential.tier + "\"";
  if (const auto rate = text(kRateLimit)) {
    credential.rate_limit = config::parse_rate(*rate);
    if (!credential.rate_limit) fault = "its rate_limit is not like 1000/hour";
  }
  if (const auto services = text(kServices)) credential.services = list_of(*services, kServices, fault);
  credential.id = string(kCredentialId);
  if (credential.id.empty()) credential.id = hex(hash).substr(0, 12);  // as for those of the configuration

  credential.consumer = consumers.find(described.username);
  const plugin::Consumer* const other = described.id.empty() ? nullptr : consumers.find(described.id);
  if (other != nullptr && other != credential.consumer) fault = "its id is another consumer's name";
  if (!fault.empty()) return std::unexpected(std::move(fault));
  if (credential.consumer == nullptr) {
    plugin::complete(described);
    credential.consumer = &described;
  }
  return key;
}

}  // namespace gatehouse::plugins::key_auth
