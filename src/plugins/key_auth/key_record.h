#pragma once
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/redis_reply.h"
#include "base/sha256.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::key_auth {

/// A key that is in the Redis, and whose it is. Immutable; lives as long as an exchange or a cache holds it.
struct RedisKey {
  RedisKey() = default;
  RedisKey(const RedisKey&) = delete;
  RedisKey& operator=(const RedisKey&) = delete;

  plugin::Credential credential;  ///< of a consumer of the configuration, or of …
  plugin::Consumer consumer;      ///< … the one that the record describes
};

/// The fields of a key's hash in the Redis; others may stand there too.
inline constexpr std::string_view kRecordFields[] = {"username", "id",         "custom_id", "groups",
                                                     "tier",     "rate_limit", "services",  "credential_id"};

/// What the values of kRecordFields say, nil for those that are not there; null: there is no such key. An error says
/// what is wrong with the record: it is not to be guessed what was meant.
std::expected<std::shared_ptr<const RedisKey>, std::string> read_record(std::span<const RedisReply> values,
                                                                        const Sha256& hash,
                                                                        const plugin::Consumers& consumers);

}  // namespace gatehouse::plugins::key_auth
