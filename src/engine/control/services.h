#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/loader.h"
#include "discovery/dns.h"
#include "telemetry/samples.h"
#include "upstream/cluster.h"

namespace gatehouse::engine {

/// The clusters of all services, the endpoints that they share, and the names that are watched for them. All outlive
/// configurations: a service whose targets stay keeps its cluster, an address that stays keeps its connections.
/// Control thread; what workers use is handed to them by post.
class Services {
 public:
  Services(io::Reactor& control, std::vector<io::Reactor*> workers);
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;
  ~Services();

  /// Looks up the names in `model` that are not watched yet, so that their services have addresses from the first
  /// request on. Blocks until all are answered, kFirstLook at most; a name without an answer goes on being tried.
  void resolve_new_names(const config::Model& model);
  static constexpr Duration kFirstLook = std::chrono::seconds(2);

  /// Reads the files of services that speak TLS, for cluster(). False: one cannot be used, which is reported.
  bool prepare_tls(const config::Model& model, config::Diagnostics& out);
  /// The cluster of a service: the one that is there, if its targets are the same.
  std::shared_ptr<upstream::Cluster> cluster(const config::Service& service);
  /// `model` is in force: its pool settings hold from now on.
  void commit(const config::Model& model);
  /// Drops what nothing refers to any more; connections that are lent out end first.
  void sweep();
  /// Closes all connections that are idle and drops all, then calls `then`. Nothing may be asked of this afterwards.
  void retire_all(std::move_only_function<void()> then);

  /// Gauges and counters of the pools.
  void scrape(telemetry::Samples& samples) const;

 private:
  struct Entry {
    std::string service;
    config::Protocol protocol;
    std::string tls_key;                       ///< tells one way of speaking TLS from another; "" for none
    std::shared_ptr<const io::TlsClient> tls;  ///< null: none
    std::vector<std::pair<config::Target, std::string>> targets;  ///< each with the name that TLS asks for
    std::shared_ptr<upstream::Cluster> cluster;
  };
  struct Name;
  using Endpoint = upstream::Endpoint;

  std::shared_ptr<const upstream::TargetSet> targets_of(const Entry& entry);
  std::shared_ptr<Endpoint> endpoint(const Entry& entry, const io::Endpoint& address, const std::string& tls_host);
  Name& watch(const std::string& name);
  void name_changed(Name& name, const std::vector<IpAddress>& addresses, const std::string& error);
  void retire(std::shared_ptr<Endpoint> endpoint);
  void on_all_workers(std::function<void(unsigned, std::move_only_function<void()>)> work,
                      std::move_only_function<void()> then);
  void drop_retired(const Endpoint* endpoint);

  io::Reactor& control_;
  std::vector<io::Reactor*> workers_;
  io::Resolver resolver_;
  std::unordered_map<std::string, std::shared_ptr<const io::TlsClient>> tls_;  ///< by tls_key
  std::unordered_map<std::string, Entry> entries_;                             ///< by service and targets
  std::unordered_map<std::string, std::shared_ptr<Endpoint>> endpoints_;       ///< by service and address
  std::unordered_map<std::string, std::unique_ptr<Name>> names_;
  std::unordered_map<std::string, config::Pool> pools_;  ///< settings in force, by service
  std::vector<std::shared_ptr<Endpoint>> retiring_;
  std::move_only_function<void()> on_empty_;
};

}  // namespace gatehouse::engine
