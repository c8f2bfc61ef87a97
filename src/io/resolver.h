#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "io/reactor.h"

namespace gatehouse::io {

/// Resolution::error of a name that the DNS says does not exist or has no address.
inline constexpr const char* kNoSuchHost = "no such host";

/// What a name stands for now.
struct Resolution {
  std::vector<IpAddress> addresses;  ///< IPv4 and IPv6, in the order of RFC 6724; empty on failure
  Duration ttl{};                    ///< the smallest of the DNS's answers, at least 1 s; zero from the hosts file
  std::string error;                 ///< "" on success, else why: "no such host", "timeout", …
};

/// Names to addresses without blocking, by c-ares on a reactor: the hosts file, then the servers of resolv.conf.
/// Owner and thread: the reactor's.
class Resolver {
 public:
  /// How long the first try waits for a server; the second waits twice as long.
  static constexpr Duration kFirstTry = std::chrono::milliseconds(1500);

  /// `servers`: "127.0.0.1:5353,…" instead of the system's; "" for the system's. `first_try`: at least 1 ms. Throws
  /// std::runtime_error if c-ares cannot start: at start only.
  explicit Resolver(Reactor& reactor, const std::string& servers = "", Duration first_try = kFirstTry);
  /// Pending queries end without a call.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Looks up A and AAAA; `done` is called once, later, from the reactor's loop.
  void resolve(const std::string& name, std::move_only_function<void(Resolution)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::io
