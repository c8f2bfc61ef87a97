#include "plugins/jwt/redis_revocations.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/number.h"
#include "jose/times.h"
#include "plugin/exchange.h"

namespace gatehouse::plugins::jwt {
namespace {

/// What GET refuses, since it is no string, is an empty answer and so no time: MGET would say that there is nothing,
/// and an error would let tokens pass where the Redis need not answer.
constexpr const char* kScript =
    "local before = redis.pcall('GET', KEYS[2])\n"
    "if type(before) == 'table' then before = '' end\n"
    "return {redis.call('EXISTS', KEYS[1]), before}";

std::string_view text_of(const VerifiedToken& token, std::string_view claim, Arena& arena) {
  return token.claims.text(claim, arena).value_or("");
}

bool is_before(const VerifiedToken& token, std::string_view time) {
  const auto before = parse_number<std::int64_t>(time);
  if (!before) {
    GH_LOG_LIMITED(warn, 1, "jwt refuses the tokens of a subject: what stands in the Redis is no Unix time value={}",
                   time.substr(0, 32));
    return true;
  }
  return jose::was_issued_before(token.claims, *before);
}

}  // namespace

RedisRevocations::RedisRevocations(std::string prefix, std::shared_ptr<const plugin::Redis> redis)
    : prefix_(std::move(prefix)), redis_(std::move(redis)), script_(redis_->script(kScript)) {}

bool RedisRevocations::concern(const VerifiedToken& token, Arena& arena) {
  return !text_of(token, "jti", arena).empty() || !text_of(token, "sub", arena).empty();
}

Task<RedisRevocations::Answer> RedisRevocations::ask(plugin::Exchange& x, const VerifiedToken& token) const {
  const std::string_view keys[] = {x.arena.concat(prefix_, "jti:", text_of(token, "jti", x.arena)),
                                   x.arena.concat(prefix_, "sub:", text_of(token, "sub", x.arena))};
  co_return read(co_await redis_->eval(x, script_, keys, {}), token);
}

RedisRevocations::Answer RedisRevocations::read(const RedisResult& result, const VerifiedToken& token) const {
  if (!result) return result.error().fault == RedisError::Fault::cancelled ? Answer::cancelled : Answer::unavailable;
  const auto items = result->items();
  if (items.size() != 2 || !items[0].is_integer()) return Answer::unavailable;
  if (items[0].integer != 0) return Answer::revoked;
  if (items[1].is_nil()) return Answer::good;
  return is_before(token, items[1].text) ? Answer::revoked : Answer::good;
}

}  // namespace gatehouse::plugins::jwt
