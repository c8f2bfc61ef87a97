#pragma once
#include <memory>
#include <string>

#include "base/task.h"
#include "plugin/redis.h"
#include "plugins/jwt/verified_token.h"

namespace gatehouse::plugins::jwt {

/// The list of revoked tokens that is kept in the Redis: under PREFIXjti:ID whatever is there, under PREFIXsub:SUBJECT
/// the Unix time before which the revoked tokens of a subject were issued. Immutable, workers' threads.
class RedisRevocations {
 public:
  enum class Answer : std::uint8_t {
    good,
    revoked,
    unavailable,  ///< the Redis does not say
    cancelled,    ///< who asked has gone
  };

  RedisRevocations(std::string prefix, std::shared_ptr<const plugin::Redis> redis);

  /// Whether `token` has anything by which it could be revoked.
  static bool concern(const VerifiedToken& token, Arena& arena);
  /// Asks in one round trip. `token` lives until the end.
  Task<Answer> ask(plugin::Exchange& exchange, const VerifiedToken& token) const;

 private:
  Answer read(const RedisResult& result, const VerifiedToken& token) const;

  const std::string prefix_;
  const std::shared_ptr<const plugin::Redis> redis_;
  const RedisScript script_;
};

}  // namespace gatehouse::plugins::jwt
