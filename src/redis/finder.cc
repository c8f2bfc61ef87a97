#include "redis/finder.h"

#include <algorithm>

namespace gatehouse::redis {
namespace {

bool is_name(const Address& address) {
  return address.port != 0 && !IpAddress::parse(address.host);
}

bool has_names(const Options& options) {
  // A cluster's nodes, and the master that sentinels tell of, may be names whatever those are that are written.
  return is_name(options.address) || !options.sentinels.empty() || !options.seeds.empty();
}

}  // namespace

Finder::Finder(io::Reactor& reactor, std::shared_ptr<const Options> options)
    : reactor_(reactor),
      options_(std::move(options)),
      resolver_(has_names(*options_) ? std::make_unique<io::Resolver>(reactor) : nullptr) {}

Task<std::expected<std::vector<io::Endpoint>, std::string>> Finder::resolve(Scope& scope, Address address) {
  std::vector<io::Endpoint> found;
  if (address.port == 0) {
    if (const auto path = io::Endpoint::unix_path(address.host)) found.push_back(*path);
    if (found.empty()) co_return std::unexpected("the path is too long for a socket");
    co_return found;
  }
  if (const auto ip = IpAddress::parse(address.host)) {
    found.push_back(io::Endpoint::ip(*ip, address.port));
    co_return found;
  }
  if (resolver_ == nullptr) co_return std::unexpected("the client is closed");
  struct Lookup {
    Signal done;
    std::optional<io::Resolution> result;
  };
  // The resolver's: who waits may have gone when the answer comes.
  const auto lookup = std::make_shared<Lookup>();
  resolver_->resolve(address.host, [lookup](io::Resolution resolution) {
    lookup->result = std::move(resolution);
    lookup->done.notify();
  });
  co_await until(lookup->done, scope, deadline_after(reactor_.now(), kResolveTime));
  if (!lookup->result) co_return std::unexpected("its name was not resolved in time");
  if (lookup->result->addresses.empty()) co_return std::unexpected(lookup->result->error);
  for (const IpAddress& ip : lookup->result->addresses) {
    if (found.size() < kMostAddresses) found.push_back(io::Endpoint::ip(ip, address.port));
  }
  co_return found;
}

io::TlsPeer Finder::peer(const Address& address) const {
  return {options_->tls, !options_->sni.empty() || address.port == 0 ? options_->sni : address.host};
}

}  // namespace gatehouse::redis
