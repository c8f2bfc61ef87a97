#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "plugin/build_context.h"
#include "plugins/rate_limiting/answer.h"
#include "plugins/rate_limiting/leased_store.h"
#include "plugins/rate_limiting/redis_store.h"
#include "plugins/rate_limiting/redis_watch.h"

namespace gatehouse::plugins::rate_limiting {

/// A request that one limiter decides.
struct Asked {
  Hash128 key;
  std::string_view identity;  ///< whose counts they are: what `key` is made of
  std::uint32_t cost;
  Act act;  ///< before it is answered
};

/// Decisions of `policy: redis`: by the Redis, or with `sync_rate` by what is known of its counts. Immutable; any
/// worker.
class RedisPolicy {
 public:
  /// `limiter` tells this limiter from all others. The configuration has a Redis. Control thread.
  RedisPolicy(const Config& config, const std::string& limiter, plugin::BuildContext& context);

  /// What it keeps of one request.
  struct Memory {
    std::string_view name;            ///< of the keys
    const Found* found;               ///< the Redis has decided by these; null: it has not
    LeasedStore::Question* question;  ///< null without `sync_rate`
    std::int64_t ahead_us;            ///< its clock before ours
  };

  /// Fills in the decision where nobody has to be asked.
  bool decide(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const;
  enum class Result : std::uint8_t {
    decided,
    unknown,    ///< the Redis has not answered
    cancelled,  ///< the exchange ends
  };
  Task<Result> ask(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const;
  /// Counts afterwards, and says what clients are told then. False: who has decided is to count.
  bool charge(plugin::Exchange& x, const Asked& asked, std::uint64_t cost, Met& met, const Memory& memory) const;

 private:
  /// What outlives configurations of one with `sync_rate`.
  struct Leases {
    Leases(std::size_t most, std::int64_t interval_us) : store(most, interval_us) {}
    std::int64_t now_us() const;
    LeasedStore store;
    std::atomic<std::int64_t> ahead_us{0};  ///< the Redis' clock before ours
  };
  struct Flight;
  Task<Result> ask_leased(plugin::Exchange& x, const Asked& asked, Met& met, Memory& memory) const;
  void take(plugin::Exchange& x, const RedisStore::Answer& answer, Met& met, Memory& memory) const;

  const RedisStore store_;
  const std::shared_ptr<RedisWatch> watch_;
  const bool fault_tolerant_;       ///< without an answer nobody is refused: so in a dry run too
  std::shared_ptr<Leases> leases_;  ///< null: it is asked for each request
};

}  // namespace gatehouse::plugins::rate_limiting
