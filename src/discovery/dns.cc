#include "discovery/dns.h"

#include <algorithm>

namespace gatehouse::discovery {

struct DnsWatch::Impl {
  struct Timer : Wait {
    explicit Timer(Impl& of) : Wait([](Wait& wait) { static_cast<Timer&>(wait).owner.ask(); }), owner(of) {}
    Impl& owner;
  };

  Impl(io::Reactor& of, io::Resolver& by, std::string of_name, Changed on_change)
      : reactor(of), resolver(by), name(std::move(of_name)), changed(std::move(on_change)), timer(*this) {
    ask();
  }

  void ask() {
    // The resolver may answer after this is gone.
    resolver.resolve(name, [this, alive = std::weak_ptr<int>(life)](io::Resolution found) {
      if (!alive.expired()) take(std::move(found));
    });
  }

  void take(io::Resolution found) {
    Duration next = kRetry;
    if (found.error.empty()) {
      next = found.ttl == Duration::zero() ? kDefaultTtl : std::clamp(found.ttl, kMinTtl, kMaxTtl);
    }
    timer.attach(reactor.scheduler(), nullptr, nullptr, deadline_after(reactor.now(), next));

    const bool keeps = !found.error.empty() && found.error != io::kNoSuchHost;
    std::vector<IpAddress> latest = keeps ? addresses : std::move(found.addresses);
    std::ranges::sort(latest);
    const bool same = latest == addresses && found.error == error;
    addresses = std::move(latest);
    error = found.error;
    if (same && told) return;
    told = true;
    changed(addresses, error);
  }

  io::Reactor& reactor;
  io::Resolver& resolver;
  const std::string name;
  Changed changed;
  std::vector<IpAddress> addresses;
  std::string error;
  bool told = false;
  std::shared_ptr<int> life = std::make_shared<int>(0);
  Timer timer;
};

DnsWatch::DnsWatch(io::Reactor& reactor, io::Resolver& resolver, std::string name, Changed changed)
    : impl_(std::make_unique<Impl>(reactor, resolver, std::move(name), std::move(changed))) {}

DnsWatch::~DnsWatch() = default;

const std::string& DnsWatch::name() const {
  return impl_->name;
}

}  // namespace gatehouse::discovery
