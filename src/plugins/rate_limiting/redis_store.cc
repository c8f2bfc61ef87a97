#include "plugins/rate_limiting/redis_store.h"

#include <algorithm>

#include "base/hex.h"
#include "base/number.h"
#include "base/sha256.h"
#include "plugins/rate_limiting/answer.h"
#include "plugins/rate_limiting/redis_script.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::string_view kAlgorithms[] = {"fixed", "sliding", "token", "leaky"};
constexpr std::string_view kActs[] = {"take", "look", "add"};
constexpr std::size_t kFirst = 4, kEach = 3, kEachLate = 2;  // arguments of the call, and of each limit

struct Numbers {
  std::uint64_t first, second, third;
};

Numbers numbers_of(Algorithm algorithm, const Limit& limit) {
  switch (algorithm) {
    case Algorithm::token_bucket: {
      const Bucket bucket = bucket_of(limit);
      return {static_cast<std::uint64_t>(bucket.token), static_cast<std::uint64_t>(bucket.leak), limit.burst};
    }
    case Algorithm::leaky_bucket:
      return {static_cast<std::uint64_t>(leaky_rate(limit)), limit.burst * 1000, 0};
    default:
      if (limit.period == Period::month) return {0, 1, limit.most};
      if (limit.period == Period::year) return {0, 12, limit.most};
      return {static_cast<std::uint64_t>(length_of(limit.period)), 0, limit.most};
  }
}

/// Reads a number and the space behind it. False: there is none.
bool take_part(std::string_view& text, std::int64_t& to) {
  if (!take_number(text, to) || to < 0) return false;
  if (text.starts_with(' ')) text.remove_prefix(1);
  return true;
}

}  // namespace

ScriptCall script_call(Arena& arena, std::string_view name, const Rule& rule, std::uint64_t cost, Act act,
                       std::span<const Late> late, std::string_view time) {
  const std::size_t count = rule.limits.size();
  const std::size_t size = kFirst + kEach * count + kEachLate * late.size();
  auto* const keys = arena.array<std::string_view>(count);
  auto* const arguments = arena.array<std::string_view>(size);
  arguments[0] = kAlgorithms[static_cast<std::size_t>(rule.algorithm)];
  arguments[1] = kActs[static_cast<std::size_t>(act)];
  arguments[2] = number(arena, cost);
  arguments[3] = time;
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = arena.concat(name, kPeriodNames[static_cast<std::size_t>(rule.limits[i].period)]);
    const Numbers numbers = numbers_of(rule.algorithm, rule.limits[i]);
    std::string_view* const at = arguments + kFirst + kEach * i;
    at[0] = number(arena, numbers.first);
    at[1] = number(arena, numbers.second);
    at[2] = number(arena, numbers.third);
  }
  for (std::size_t i = 0; i < late.size(); ++i) {
    std::string_view* const at = arguments + kFirst + kEach * count + kEachLate * i;
    at[0] = number(arena, static_cast<std::uint64_t>(late[i].mark));
    at[1] = number(arena, static_cast<std::uint64_t>(late[i].amount));
  }
  return {{keys, count}, {arguments, size}};
}

Count read_count(std::string_view text) {
  Count count;
  const bool whole =
      take_part(text, count.mark) && take_part(text, count.now) && take_part(text, count.previous) && text.empty();
  return whole ? count : Count{};
}

std::optional<Found> read_answer(const RedisReply& reply, std::size_t limits) {
  const auto items = reply.items();
  if (reply.kind != RedisReply::Kind::array || items.size() != limits + 1 || !items[0].is_integer())
    return std::nullopt;
  Found found{.now_us = items[0].integer, .counts = {}};
  for (std::size_t i = 0; i < limits; ++i) {
    if (items[i + 1].kind == RedisReply::Kind::string) found.counts[i] = read_count(items[i + 1].text);
  }
  return found;
}

RedisStore::RedisStore(std::shared_ptr<const plugin::Redis> redis, std::string space, std::string limiter)
    : redis_(std::move(redis)),
      script_(std::make_shared<const RedisScript>(redis_->script(kScript))),
      space_(std::move(space)),
      limiter_(std::move(limiter)) {}

std::string_view RedisStore::name_of(plugin::Exchange& x, std::string_view identity) const {
  constexpr std::size_t kBytes = 16;
  const Sha256 hash = sha256(x.arena.concat(limiter_, " ", identity));
  return x.arena.concat(space_, ":{", hex(std::span(hash).first(kBytes)), "}:");
}

Task<RedisStore::Answered> RedisStore::decide(plugin::Exchange& x, std::string_view name, const Rule& rule,
                                              std::uint64_t cost, Act act) const {
  const ScriptCall call = script_call(x.arena, name, rule, cost, act);
  const RedisResult reply = co_await redis_->eval(x, *script_, call.keys, call.arguments);
  co_return answer_of(reply, rule, cost, act, {});
}

RedisStore::Answered RedisStore::answer_of(const RedisResult& reply, const Rule& rule, std::uint64_t cost, Act act,
                                           std::span<const Late> late) {
  if (!reply) return std::unexpected(reply.error());
  const std::optional<Found> found = read_answer(*reply, rule.limits.size());
  if (!found) return std::unexpected(RedisError{RedisError::Fault::server, "no answer of the script's"});
  // The script has decided the same: here it is only told in full.
  Answer answer{.found = *found, .decision = {}};
  const CountPointers counts(answer.found.counts, rule);
  add_late(rule, counts, late, found->now_us);
  answer.decision = rate_limiting::decide(rule, counts, cost, act, found->now_us);
  return answer;
}

void RedisStore::send(plugin::Exchange& x, std::string_view name, const Rule& rule, std::uint64_t cost, Act act,
                      std::span<const Late> late, plugin::Redis::Then then) const {
  const ScriptCall call = script_call(x.arena, name, rule, cost, act, late);
  redis_->send(x, script_, call.keys, call.arguments, std::move(then));
}

}  // namespace gatehouse::plugins::rate_limiting
