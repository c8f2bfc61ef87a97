#pragma once
#include <atomic>
#include <cstdint>

namespace gatehouse::plugin {

/// A number among the gateway's metrics that a plugin counts up: for what is seldom, as all threads share it. Any
/// thread.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace gatehouse::plugin
