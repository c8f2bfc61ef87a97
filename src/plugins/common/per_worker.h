#pragma once
#include <algorithm>
#include <memory>

#include "plugin/exchange.h"

namespace gatehouse::plugins {

/// One T for each worker, on cache lines of its own. A hook uses the one of its exchange's worker and no other, which
/// is what makes it safe without a lock.
template <class T>
class PerWorker {
 public:
  explicit PerWorker(unsigned workers) : slots_(std::make_unique<Slot[]>(std::max(workers, 1u))) {}
  T& of(const plugin::Exchange& exchange) const { return slots_[exchange.worker].value; }

 private:
  struct alignas(64) Slot {
    T value;
  };
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace gatehouse::plugins
