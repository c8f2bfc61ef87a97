#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "upstream/pool.h"

namespace gatehouse::upstream {

/// One target as configured, with the addresses that it stands for now: one, or what its name resolves to.
struct TargetSet {
  struct Target {
    std::uint32_t weight = 1;                          ///< 0: never chosen
    std::vector<std::shared_ptr<Endpoint>> addresses;  ///< empty: the name does not resolve
  };
  std::vector<Target> targets;
};

/// What an exchange asks of a cluster.
struct AcquireLimits {
  Duration connect = std::chrono::seconds(5);
  TimePoint deadline = kNever;  ///< of the whole exchange
};

/// A service's targets and the choice among them: round robin by weight (smooth, as nginx does it), per worker.
/// Shared by all workers; what a worker changes is its own. Survives a reload that leaves the service as it was.
class Cluster {
 public:
  Cluster(std::string service, unsigned workers);

  /// Gives worker `worker` a new set of targets; on its thread, or before the cluster is published.
  void use(unsigned worker, std::shared_ptr<const TargetSet> targets);

  /// Which target is next; valid until the thread returns to its loop.
  struct Choice {
    const TargetSet::Target* target = nullptr;
    std::size_t address = 0;
  };
  /// An idle connection to the next target, or none: then acquire(choice) does the rest.
  Lease try_reuse(unsigned worker, Choice& choice);

  /// A connection to the chosen target (none chosen: to the next): an idle one, a new one, or one that another exchange
  /// gives back, in that order. All addresses of the target are tried before a connect fails. `fresh`: no idle one,
  /// since one has just proved stale. Errors: no_healthy_target, overloaded (queue full or queue_timeout),
  /// upstream_connect, upstream_connect_timeout, upstream_timeout (the exchange's deadline), the scope's reason.
  Task<Result<Lease>> acquire(unsigned worker, Choice choice, AcquireLimits limits, Scope& scope, bool fresh);

  const std::string& service() const { return service_; }

 private:
  struct Local {
    std::shared_ptr<const TargetSet> set;
    std::vector<std::int64_t> current;  ///< smooth weighted round robin's counters
    std::vector<std::size_t> next_address;
  };
  static std::size_t next_target(Local& local);  ///< the number of targets where none can be chosen
  static bool choose(Local& local, Choice& choice);

  std::string service_;
  std::vector<Local> local_;
};

}  // namespace gatehouse::upstream
