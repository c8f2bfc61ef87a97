#pragma once
#include <functional>
#include <string>
#include <vector>

#include "io/resolver.h"

namespace gatehouse::discovery {

/// Watches the addresses of one DNS name: asks at once and again when the answer's TTL is over (at least kMinTtl, at
/// most kMaxTtl; kDefaultTtl where the answer has none), after a failure every kRetry. A failure keeps the addresses
/// that were known; only a name that was never known, or that the DNS says does not exist, has none. Owner and thread:
/// the reactor's.
class DnsWatch {
 public:
  static constexpr Duration kMinTtl = std::chrono::seconds(1);
  static constexpr Duration kMaxTtl = std::chrono::minutes(5);
  static constexpr Duration kDefaultTtl = std::chrono::seconds(30);
  static constexpr Duration kRetry = std::chrono::seconds(1);

  /// Called after the first answer, good or bad, and whenever the addresses (as a set; they come sorted) or the error
  /// change. `error` is "" unless the last look-up failed. It must not destroy the watch.
  using Changed = std::function<void(const std::vector<IpAddress>& addresses, const std::string& error)>;

  DnsWatch(io::Reactor& reactor, io::Resolver& resolver, std::string name, Changed changed);
  ~DnsWatch();
  DnsWatch(const DnsWatch&) = delete;
  DnsWatch& operator=(const DnsWatch&) = delete;

  const std::string& name() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::discovery
