#include "engine/control/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "engine/control/addresses.h"
#include "engine/service_tls.h"

namespace gatehouse::engine {

using config::Address;

/// A name that services refer to and what it stands for now.
struct Services::Name {
  std::vector<IpAddress> addresses;
  std::unique_ptr<discovery::DnsWatch> watch;
};

namespace {

/// Services with the same key share what their files hold.
std::string tls_key_of(const config::Service& service) {
  return config::is_tls(service.protocol) ? tls_key(service.tls, config::is_http2(service.protocol)) : "";
}

std::string key_of(const config::Service& service, const std::string& tls_key) {
  std::string key =
      service.name + ' ' + std::to_string(static_cast<int>(service.protocol)) + '\n' + tls_key + '\n' + service.tls.sni;
  for (const config::Target& target : service.targets) {
    key += '\n' + target.address.text() + ' ' + std::to_string(target.weight);
  }
  return key;
}

std::string joined(const std::vector<IpAddress>& addresses) {
  std::string text;
  for (const IpAddress& address : addresses) text += (text.empty() ? "" : ", ") + address.text();
  return text;
}

}  // namespace

Services::Services(io::Reactor& control, std::vector<io::Reactor*> workers)
    : control_(control), workers_(std::move(workers)), resolver_(control) {}

Services::~Services() = default;

// ---- names ----

void Services::resolve_new_names(const config::Model& model) {
  std::unordered_set<std::string> fresh;
  for (const config::Service& service : model.services) {
    for (const config::Target& target : service.targets) {
      if (target.address.kind == Address::Kind::name && !names_.contains(target.address.host)) {
        fresh.insert(target.address.host);
      }
    }
  }
  if (fresh.empty()) return;
  // On a reactor of its own: the control thread's is in the middle of a turn.
  io::Reactor reactor;
  io::Resolver resolver(reactor);
  std::size_t left = fresh.size();
  for (const std::string& name : fresh) {
    auto& known = *(names_[name] = std::make_unique<Name>());
    resolver.resolve(name, [&](io::Resolution found) {
      known.addresses = std::move(found.addresses);
      std::ranges::sort(known.addresses);
      if (--left == 0) reactor.stop();
    });
  }
  struct Limit : Wait {
    explicit Limit(io::Reactor& of) : Wait([](Wait& wait) { static_cast<Limit&>(wait).reactor.stop(); }), reactor(of) {}
    io::Reactor& reactor;
  } limit(reactor);
  limit.attach(reactor.scheduler(), nullptr, nullptr, deadline_after(steady_now(), kFirstLook));
  if (left != 0) reactor.run();
  for (const std::string& name : fresh) watch(name);
}

Services::Name& Services::watch(const std::string& name) {
  std::unique_ptr<Name>& slot = names_[name];
  if (slot == nullptr) slot = std::make_unique<Name>();
  if (slot->watch == nullptr) {
    slot->watch = std::make_unique<discovery::DnsWatch>(
        control_, resolver_, name,
        [this, &known = *slot](const std::vector<IpAddress>& addresses, const std::string& error) {
          name_changed(known, addresses, error);
        });
  }
  return *slot;
}

void Services::name_changed(Name& name, const std::vector<IpAddress>& addresses, const std::string& error) {
  const std::string& host = name.watch->name();
  if (!error.empty()) {
    GH_LOG_WARN("the name {} does not resolve: {}", host, error);
    // What resolve_new_names() found before the watch began is not the watch's to forget.
    if (error != io::kNoSuchHost) return;
  }
  if (name.addresses == addresses) return;
  GH_LOG_INFO("the name {} stands for {} now", host, addresses.empty() ? "nothing" : joined(addresses));
  name.addresses = addresses;
  for (auto& [key, entry] : entries_) {
    const bool uses = std::ranges::any_of(entry.targets, [&](const auto& each) {
      return each.first.address.kind == Address::Kind::name && each.first.address.host == host;
    });
    if (!uses) continue;
    const auto set = targets_of(entry);
    for (unsigned i = 0; i < workers_.size(); ++i) {
      workers_[i]->post([cluster = entry.cluster, set, i] { cluster->use(i, set); });
    }
  }
  control_.post([this] { sweep(); });
}

// ---- clusters ----

bool Services::prepare_tls(const config::Model& model, config::Diagnostics& out) {
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    const std::string key = tls_key_of(model.services[i]);
    if (key.empty() || tls_.contains(key)) continue;
    config::Diagnostics faults;  // what can be used all the same has been said when the file was read
    std::shared_ptr<const io::TlsClient> made = make_tls(model.services[i], i, faults);
    if (made == nullptr) {
      for (const config::Diagnostic& fault : faults.items()) out.add(fault);
      return false;
    }
    tls_.emplace(key, std::move(made));
  }
  return true;
}

std::shared_ptr<upstream::Cluster> Services::cluster(const config::Service& service) {
  const std::string tls_key = tls_key_of(service);
  const std::string key = key_of(service, tls_key);
  if (const auto found = entries_.find(key); found != entries_.end()) return found->second.cluster;
  Entry entry{service.name, service.protocol,
              tls_key,      nullptr,
              {},           std::make_shared<upstream::Cluster>(service.name, static_cast<unsigned>(workers_.size()))};
  if (!tls_key.empty()) entry.tls = tls_.at(tls_key);
  for (const config::Target& target : service.targets) entry.targets.emplace_back(target, tls_host(service, target));
  const auto set = targets_of(entry);
  for (unsigned i = 0; i < workers_.size(); ++i) entry.cluster->use(i, set);
  return entries_.emplace(key, std::move(entry)).first->second.cluster;
}

std::shared_ptr<const upstream::TargetSet> Services::targets_of(const Entry& entry) {
  auto set = std::make_shared<upstream::TargetSet>();
  for (const auto& [target, tls_host] : entry.targets) {
    upstream::TargetSet::Target made;
    made.weight = target.weight;
    if (target.address.kind != Address::Kind::name) {
      made.addresses.push_back(endpoint(entry, endpoint_of(target.address), tls_host));
    } else {
      for (const IpAddress& address : watch(target.address.host).addresses) {
        made.addresses.push_back(endpoint(entry, io::Endpoint::ip(address, target.address.port), tls_host));
      }
    }
    set->targets.push_back(std::move(made));
  }
  return set;
}

std::shared_ptr<upstream::Endpoint> Services::endpoint(const Entry& entry, const io::Endpoint& address,
                                                       const std::string& tls_host) {
  const bool http2 = config::is_http2(entry.protocol);
  const std::string spoken = entry.tls != nullptr ? '\n' + tls_host + '\n' + entry.tls_key : std::string();
  std::shared_ptr<Endpoint>& slot = endpoints_[entry.service + (http2 ? "\nh2 " : "\n") + address.text() + spoken];
  if (slot == nullptr) {
    slot = std::make_shared<Endpoint>(entry.service, address, http2, io::TlsPeer{entry.tls, tls_host}, workers_);
    if (const auto pool = pools_.find(entry.service); pool != pools_.end()) slot->configure(pool->second);
  }
  return slot;
}

void Services::commit(const config::Model& model) {
  pools_.clear();
  for (const config::Service& service : model.services) pools_[service.name] = service.pool;
  for (const auto& [key, endpoint] : endpoints_) {
    if (const auto pool = pools_.find(endpoint->service()); pool != pools_.end()) endpoint->configure(pool->second);
  }
}

// ---- the end of what is not used ----

void Services::sweep() {
  // Nobody else can take a new reference where this one is the last, so the count cannot grow again.
  std::erase_if(entries_, [](const auto& item) { return item.second.cluster.use_count() == 1; });
  std::erase_if(tls_, [this](const auto& item) {
    return std::ranges::none_of(entries_, [&](const auto& entry) { return entry.second.tls_key == item.first; });
  });
  if (!names_.empty()) {
    std::unordered_set<std::string> used;
    for (const auto& [key, entry] : entries_) {
      for (const auto& [target, host] : entry.targets) used.insert(target.address.host);
    }
    std::erase_if(names_, [&](const auto& item) { return !used.contains(item.first); });
  }
  for (auto at = endpoints_.begin(); at != endpoints_.end();) {
    if (at->second.use_count() == 1) {
      retire(std::move(at->second));
      at = endpoints_.erase(at);
    } else {
      ++at;
    }
  }
  if (endpoints_.empty() && retiring_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void Services::on_all_workers(std::function<void(unsigned, std::move_only_function<void()>)> work,
                              std::move_only_function<void()> then) {
  struct Round {
    std::size_t left;
    std::move_only_function<void()> then;
  };
  auto round = std::make_shared<Round>(workers_.size(), std::move(then));
  for (unsigned i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([this, i, work, round] {
      work(i, [this, round] {
        control_.post([round] {
          if (--round->left == 0) round->then();
        });
      });
    });
  }
}

void Services::retire(std::shared_ptr<Endpoint> endpoint) {
  Endpoint* const raw = endpoint.get();
  retiring_.push_back(std::move(endpoint));
  on_all_workers([raw](unsigned i, std::move_only_function<void()> done) { raw->pool(i).retire(std::move(done)); },
                 [this, raw] {
                   // Workers may have posted about it to each other before: their letters come first.
                   on_all_workers([](unsigned, std::move_only_function<void()> done) { done(); },
                                  [this, raw] { drop_retired(raw); });
                 });
}

void Services::drop_retired(const Endpoint* endpoint) {
  std::erase_if(retiring_, [&](const auto& each) { return each.get() == endpoint; });
  if (endpoints_.empty() && retiring_.empty() && on_empty_) std::exchange(on_empty_, nullptr)();
}

void Services::retire_all(std::move_only_function<void()> then) {
  on_empty_ = std::move(then);
  names_.clear();
  for (auto& [key, endpoint] : endpoints_) retire(std::move(endpoint));
  endpoints_.clear();
  if (retiring_.empty()) std::exchange(on_empty_, nullptr)();
}

void Services::scrape(telemetry::Samples& samples) const {
  for (const auto& [key, endpoint] : endpoints_) {
    std::uint64_t idle = 0, open = 0, opened = 0, reused = 0;
    for (unsigned i = 0; i < endpoint->workers(); ++i) {
      const upstream::Pool& pool = endpoint->pool(i);
      idle += pool.idle_count.load(std::memory_order_relaxed);
      open += pool.open_count.load(std::memory_order_relaxed);
      opened += pool.opened.load(std::memory_order_relaxed);
      reused += pool.reused.load(std::memory_order_relaxed);
    }
    const std::string_view service = endpoint->service(), target = endpoint->text();
    constexpr std::string_view kNow = "gatehouse_upstream_connections";
    const std::string_view help = "Connections to a service's target.";
    samples.gauge(kNow, help, {{"service", service}, {"target", target}, {"state", "idle"}}, static_cast<double>(idle));
    samples.gauge(kNow, help, {{"service", service}, {"target", target}, {"state", "active"}},
                  static_cast<double>(open > idle ? open - idle : 0));
    samples.counter("gatehouse_upstream_connections_opened_total", "Connections opened to a service's target.",
                    {{"service", service}, {"target", target}}, static_cast<double>(opened));
    samples.counter("gatehouse_upstream_connections_reused_total",
                    "Requests that found an open connection to the target.", {{"service", service}, {"target", target}},
                    static_cast<double>(reused));
  }
}

}  // namespace gatehouse::engine
