#pragma once
#include <map>
#include <memory>
#include <string>

#include "engine/control/documents.h"
#include "engine/control/redis_clients.h"
#include "engine/control/services.h"
#include "engine/offload_pool.h"
#include "engine/snapshot.h"
#include "engine/worker.h"

namespace gatehouse::engine {

/// What plugins share across configurations, by identity, as long as one of them uses it. Control thread.
class SharedStates {
 public:
  std::shared_ptr<void> get(const std::string& identity, const std::function<std::shared_ptr<void>()>& make);
  void sweep();
  /// One for the process, made when a plugin first asks for it.
  std::shared_ptr<const plugin::Offload> offload(const Shared& shared);
  /// Kept for ever.
  std::shared_ptr<plugin::Counter> counter(std::string_view name, std::string_view help,
                                           std::pair<std::string_view, std::string_view> label);
  void scrape(telemetry::Samples& samples) const;

 private:
  struct Counted {
    std::string name, help, label, value;
    std::shared_ptr<plugin::Counter> counter;
  };
  std::vector<Counted> counters_;
  std::shared_ptr<OffloadPool> offload_;
  std::map<std::string, std::weak_ptr<void>> states_;
};

/// What one build of a snapshot takes from the running gateway. Lives during the build; control thread.
class BuildSurroundings final : public Surroundings, private plugin::BuildContext {
 public:
  BuildSurroundings(const config::Model& model, Shared& shared, Services& services, SharedStates& states,
                    Documents& documents, RedisClients& redis, telemetry::Metrics& metrics)
      : model_services_(model.services),
        shared_(shared),
        services_(services),
        states_(states),
        documents_(documents),
        redis_(redis),
        metrics_(metrics) {}

  plugin::BuildContext& plugin_context() override { return *this; }
  std::shared_ptr<upstream::Cluster> cluster(const config::Service& service) override {
    return services_.cluster(service);
  }
  telemetry::SeriesId series(std::string_view route, std::string_view service) override {
    return metrics_.series(route, service);
  }

 private:
  unsigned workers() const override { return static_cast<unsigned>(shared_.workers.size()); }
  std::shared_ptr<const plugin::HttpCaller> http(std::string_view service) override;
  std::shared_ptr<const plugin::Offload> offload() override { return states_.offload(shared_); }
  std::shared_ptr<const plugin::Document> document(const std::string& identity,
                                                   const plugin::DocumentSource& source) override {
    return process<plugin::Document>(identity, [&] { return documents_.open(source); });
  }
  std::shared_ptr<const plugin::Redis> redis() override { return redis_.of_last_prepared(); }
  std::shared_ptr<plugin::Counter> counter(std::string_view name, std::string_view help,
                                           std::pair<std::string_view, std::string_view> label) override {
    return states_.counter(name, help, label);
  }
  std::shared_ptr<void> shared(const std::string& identity,
                               const std::function<std::shared_ptr<void>()>& make) override {
    return states_.get(identity, make);
  }

  const std::vector<config::Service> model_services_;  ///< a copy: the model moves into the snapshot
  Shared& shared_;
  Services& services_;
  SharedStates& states_;
  Documents& documents_;
  RedisClients& redis_;
  telemetry::Metrics& metrics_;
};

}  // namespace gatehouse::engine
