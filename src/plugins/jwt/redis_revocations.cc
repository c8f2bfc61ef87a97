#include "plugins/jwt/redis_revocations.h"

#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "plugin/exchange.h"

namespace gatehouse::plugins::jwt {
namespace {

/// GET refuses what is no string, where MGET would say that there is nothing.
constexpr const char* kScript = "return {redis.call('EXISTS', KEYS[1]), redis.call('GET', KEYS[2])}";

std::string_view text_of(const VerifiedToken& token, std::string_view claim, Arena& arena) {
  return token.claims.text(claim, arena).value_or("");
}

bool was_issued_before(const VerifiedToken& token, std::string_view time) {
  std::int64_t before = 0;
  const auto [end, fault] = std::from_chars(time.data(), time.data() + time.size(), before);
  if (fault != std::errc() || end != time.data() + time.size()) {
    GH_LOG_LIMITED(warn, 1, "jwt refuses the tokens of a subject: what stands in the Redis is no Unix time value={}",
                   time.substr(0, 32));
    return true;
  }
  const auto issued = token.claims.number("iat");
  return !issued || issued->value < static_cast<double>(before);
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
  return was_issued_before(token, items[1].text) ? Answer::revoked : Answer::good;
}

}  // namespace gatehouse::plugins::jwt
