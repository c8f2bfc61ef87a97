#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/list.h"
#include "base/scheduler.h"
#include "plugin/redis.h"
#include "plugins/common/hash_cache.h"
#include "plugins/common/per_worker.h"
#include "plugins/key_auth/key_record.h"

namespace gatehouse::plugins::key_auth {

/// What is known of a key that the configuration does not have.
struct Answer {
  enum class Kind : std::uint8_t {
    known,
    unknown,      ///< there is none, or its record is bad
    unavailable,  ///< the Redis does not say
    cancelled,    ///< who asked has gone
  };
  Kind kind;
  std::shared_ptr<const RedisKey> key = nullptr;  ///< of a known one
};

/// The keys that the Redis has, by their SHA-256, and what each worker remembers of them. Of one configuration;
/// workers' threads.
class RedisKeys {
 public:
  struct Options {
    std::string prefix;
    Duration cache_duration{};
    std::size_t cache_size = 0;
  };
  /// An unknown key is remembered so long at most.
  static constexpr Duration kUnknownFor = std::chrono::seconds(5);
  /// So many at most, on each worker: who guesses takes no memory, and no place from keys that are known.
  static constexpr std::size_t kMostUnknown = 4096;

  RedisKeys(Options options, std::shared_ptr<const plugin::Redis> redis,
            std::shared_ptr<const plugin::Consumers> consumers, unsigned workers);

  /// What this worker remembers. No allocation.
  std::optional<Answer> remembered(const plugin::Exchange& exchange, const Sha256& hash) const;
  /// Asks the Redis, once for all exchanges of a worker that want the same.
  Task<Answer> look_up(plugin::Exchange& exchange, const Sha256& hash) const;

 private:
  struct Waiter {
    Signal answered;
    std::optional<Answer> answer;  ///< none: the one who asked has gone before there was one
    ListHook hook;
  };
  /// One question to the Redis, in the frame of who asks. Its end, however it comes, wakes those who wait.
  struct LookUp {
    ~LookUp();
    const Hash128 name;
    std::optional<Answer> answer = {};
    List<Waiter, &Waiter::hook> waiters = {};
    ListHook hook = {};
  };
  struct Unknown {};
  /// What is one worker's own.
  struct Worker {
    static constexpr std::size_t kBuckets = 64;
    List<LookUp, &LookUp::hook>& bucket(const Hash128& name) { return under_way[name.high % kBuckets]; }
    HashCache<std::shared_ptr<const RedisKey>> known;
    HashCache<Unknown> unknown;
    List<LookUp, &LookUp::hook> under_way[kBuckets];
  };

  std::optional<Answer> remembered(Worker& worker, const Hash128& name, TimePoint now) const;
  Answer take(Worker& worker, const Hash128& name, const Sha256& hash, TimePoint asked,
              const RedisResult& result) const;

  const Options options_;
  const std::shared_ptr<const plugin::Redis> redis_;
  const std::shared_ptr<const plugin::Consumers> consumers_;  ///< what keys point into
  const PerWorker<Worker> workers_;
};

}  // namespace gatehouse::plugins::key_auth
