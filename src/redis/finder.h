#pragma once
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "io/resolver.h"
#include "redis/options.h"

namespace gatehouse::redis {

/// Where servers are: names to addresses, and the master of which sentinels know. Owner: a Client; the reactor's
/// thread.
class Finder {
 public:
  /// Throws std::runtime_error where names must be resolved and that cannot begin: at start and reload only.
  Finder(io::Reactor& reactor, std::shared_ptr<const Options> options);

  /// Resolves nothing any more.
  void close() { resolver_.reset(); }

  io::Reactor& reactor() const { return reactor_; }
  const Options& options() const { return *options_; }
  Random& random() { return random_; }

  /// What `address` stands for now; at least one, or why there is none.
  Task<std::expected<std::vector<io::Endpoint>, std::string>> resolve(Scope& scope, Address address);
  static constexpr Duration kResolveTime = std::chrono::seconds(2);
  static constexpr std::size_t kMostAddresses = 8;  ///< of one name

  /// The master, as the sentinels say: they are asked in turn, the one that answered last first.
  Task<std::expected<Address, std::string>> master(Scope& scope);

  /// With whom TLS is spoken at `address`.
  io::TlsPeer peer(const Address& address) const;

 private:
  Task<std::expected<Address, std::string>> ask_sentinel(Scope& scope, Address sentinel);

  io::Reactor& reactor_;
  std::shared_ptr<const Options> options_;
  std::unique_ptr<io::Resolver> resolver_;  ///< null where nothing is to be resolved
  Random random_;
  std::size_t sentinel_ = 0;  ///< the one that answered last
};

}  // namespace gatehouse::redis
