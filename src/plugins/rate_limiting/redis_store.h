#pragma once
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/exchange.h"
#include "plugin/redis.h"
#include "plugins/rate_limiting/limiter.h"

namespace gatehouse::plugins::rate_limiting {

/// One call of the script: its keys and arguments, in an arena.
struct ScriptCall {
  std::span<const std::string_view> keys, arguments;
};
/// `name` stands for the identity. `late` is by limit, or empty. `time`: "", or a time in microseconds for tests.
ScriptCall script_call(Arena& arena, std::string_view name, const Rule& rule, std::uint64_t cost, Act act,
                       std::span<const Late> late = {}, std::string_view time = "");

/// What the script found, by limit, and when.
struct Found {
  std::int64_t now_us = 0;
  std::array<Count, kPeriods> counts;
};
/// The counts of a rule's limits, as decide() takes them.
class CountPointers {
 public:
  CountPointers(std::array<Count, kPeriods>& counts, const Rule& rule) : size_(rule.limits.size()) {
    for (std::size_t i = 0; i < size_; ++i) all_[i] = &counts[i];
  }
  operator std::span<Count* const>() const { return {all_.data(), size_}; }

 private:
  std::array<Count*, kPeriods> all_;
  std::size_t size_;
};
/// By so many limits. nullopt: it is no answer of the script's.
std::optional<Found> read_answer(const RedisReply& reply, std::size_t limits);
/// A count as the script keeps it; one that is none is as good as not there.
Count read_count(std::string_view text);

/// The counts of one limiter in a Redis: those of all gateways that have the same one. Immutable; any worker.
class RedisStore {
 public:
  /// Keys are "<space>:{<hash>}:<period>"; the hash is of `limiter`, which tells it from all others, and of whose
  /// counts they are.
  RedisStore(std::shared_ptr<const plugin::Redis> redis, std::string space, std::string limiter);

  struct Answer {
    Found found;  ///< the counts behind this request
    Decision decision;
  };
  using Answered = std::expected<Answer, RedisError>;
  /// One decision over all limits of the rule, in one round trip. `name` is name_of(identity).
  Task<Answered> decide(plugin::Exchange& x, std::string_view name, const Rule& rule, std::uint64_t cost,
                        Act act) const;
  /// The same without a wait: it goes on when the exchange is over. `then` has the reply, for answer_of().
  void send(plugin::Exchange& x, std::string_view name, const Rule& rule, std::uint64_t cost, Act act,
            std::span<const Late> late, plugin::Redis::Then then) const;
  static Answered answer_of(const RedisResult& reply, const Rule& rule, std::uint64_t cost, Act act,
                            std::span<const Late> late);
  /// Counts afterwards; nobody waits for it.
  void charge(plugin::Exchange& x, std::string_view name, const Rule& rule, std::uint64_t cost) const {
    send(x, name, rule, cost, Act::add, {}, {});
  }

  /// What keys of an identity begin with, in the exchange's arena.
  std::string_view name_of(plugin::Exchange& x, std::string_view identity) const;

 private:
  const std::shared_ptr<const plugin::Redis> redis_;
  const std::shared_ptr<const RedisScript> script_;
  const std::string space_, limiter_;
};

}  // namespace gatehouse::plugins::rate_limiting
