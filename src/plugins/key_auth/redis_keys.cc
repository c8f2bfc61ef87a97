#include "plugins/key_auth/redis_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "base/log.h"
#include "plugin/exchange.h"

namespace gatehouse::plugins::key_auth {
namespace {

/// The name of a key in a worker's memory: nobody can choose keys whose names fall together.
Hash128 name_of(const Sha256& hash) {
  return keyed_hash(bytes_of(hash));
}

std::int64_t ticks(TimePoint time) {
  return time.time_since_epoch().count();
}

}  // namespace

RedisKeys::LookUp::~LookUp() {
  hook.unlink();
  while (!waiters.empty()) {
    Waiter& waiter = waiters.pop_front();
    waiter.answer = answer;
    waiter.answered.notify();
  }
}

RedisKeys::RedisKeys(Options options, std::shared_ptr<const plugin::Redis> redis,
                     std::shared_ptr<const plugin::Consumers> consumers, unsigned workers)
    : options_(std::move(options)), redis_(std::move(redis)), consumers_(std::move(consumers)), workers_(workers) {}

std::optional<Answer> RedisKeys::remembered(Worker& worker, const Hash128& name, TimePoint now) const {
  if (const auto* const known = worker.known.find(name, ticks(now))) return Answer{Answer::Kind::known, *known};
  if (worker.unknown.find(name, ticks(now)) != nullptr) return Answer{Answer::Kind::unknown};
  return std::nullopt;
}

std::optional<Answer> RedisKeys::remembered(const plugin::Exchange& x, const Sha256& hash) const {
  return remembered(workers_.of(x), name_of(hash), x.now);
}

Task<Answer> RedisKeys::look_up(plugin::Exchange& x, const Sha256& hash) const {
  Worker& worker = workers_.of(x);
  const Hash128 name = name_of(hash);
  for (;;) {
    LookUp* same = nullptr;
    worker.bucket(name).each([&](LookUp& each) {
      if (each.name == name) same = &each;
    });
    if (same == nullptr) break;
    Waiter waiter;
    same->waiters.push_back(waiter);
    const Outcome outcome = co_await until(waiter.answered, *x.scope, kNever);
    if (waiter.answer) co_return *waiter.answer;
    if (outcome == Outcome::cancelled) co_return Answer{Answer::Kind::cancelled};
  }
  LookUp mine{.name = name};
  worker.bucket(name).push_back(mine);
  const std::string digits = hex(hash);
  const std::string_view key = x.arena.concat(options_.prefix, digits);
  std::string_view words[2 + std::size(kRecordFields)] = {"HMGET", key};
  std::ranges::copy(kRecordFields, words + 2);
  const RedisResult result = co_await redis_->command(x, words);
  Answer answer = take(worker, name, hash, x.now, result);
  if (answer.kind != Answer::Kind::cancelled) mine.answer = answer;
  co_return answer;
}

/// Remembers what counts from the time of the question: a key that is revoked meanwhile does not live longer for it.
Answer RedisKeys::take(Worker& worker, const Hash128& name, const Sha256& hash, TimePoint asked,
                       const RedisResult& result) const {
  using Fault = RedisError::Fault;
  if (!result && result.error().fault == Fault::cancelled) return {Answer::Kind::cancelled};
  if (!result && !result.error().says("WRONGTYPE")) return {Answer::Kind::unavailable};
  auto record = result ? read_record(result->items(), hash, *consumers_) : std::unexpected("it is not a hash");
  if (record && *record != nullptr) {
    const TimePoint until = deadline_after(asked, options_.cache_duration);
    worker.known.keep(name, *record, ticks(until), options_.cache_size);
    return {Answer::Kind::known, std::move(*record)};
  }
  if (!record) {
    GH_LOG_LIMITED(warn, 1, "key-auth refuses a key whose record in the Redis is bad key={}{}… fault={}",
                   options_.prefix, hex(hash).substr(0, 12), record.error());
  }
  const TimePoint until = deadline_after(asked, std::min(kUnknownFor, options_.cache_duration));
  worker.unknown.keep(name, {}, ticks(until), kMostUnknown);
  return {Answer::Kind::unknown};
}

}  // namespace gatehouse::plugins::key_auth
