#include "engine/control/plugin_host.h"

#include <algorithm>

namespace gatehouse::engine {
namespace {

/// Calls to one service, by the workers' side calls.
class ServiceCaller final : public plugin::HttpCaller {
 public:
  ServiceCaller(Shared& shared, std::shared_ptr<upstream::Cluster> cluster, const config::Service& service)
      : shared_(shared),
        cluster_(std::move(cluster)),
        timeouts_(resolve_timeouts(&service, nullptr)),
        authority_(service.authority),
        base_path_(service.base_path) {}

  bool send_copy(const plugin::Exchange& exchange, std::string_view body) const override {
    return shared_.workers[exchange.worker]->side_calls().send_copy({cluster_, timeouts_, authority_, base_path_},
                                                                    exchange, body);
  }

 private:
  Shared& shared_;
  const std::shared_ptr<upstream::Cluster> cluster_;
  const ResolvedTimeouts timeouts_;
  const std::string authority_, base_path_;
};

}  // namespace

std::shared_ptr<void> SharedStates::get(const std::string& identity,
                                        const std::function<std::shared_ptr<void>()>& make) {
  std::weak_ptr<void>& slot = states_[identity];
  std::shared_ptr<void> state = slot.lock();
  if (state == nullptr) slot = state = make();
  return state;
}

void SharedStates::sweep() {
  std::erase_if(states_, [](const auto& item) { return item.second.expired(); });
}

std::shared_ptr<const plugin::Offload> SharedStates::offload(const Shared& shared) {
  // Two keep one slow hash from holding up all others, and leave the rest of the machine to the workers.
  if (offload_ == nullptr) offload_ = std::make_shared<OffloadPool>(shared.workers, shared.workers.size() > 1 ? 2 : 1);
  return offload_;
}

std::shared_ptr<plugin::Counter> SharedStates::counter(std::string_view name, std::string_view help,
                                                       std::pair<std::string_view, std::string_view> label) {
  for (const Counted& each : counters_) {
    if (each.name == name && each.label == label.first && each.value == label.second) return each.counter;
  }
  counters_.push_back({std::string(name), std::string(help), std::string(label.first), std::string(label.second),
                       std::make_shared<plugin::Counter>()});
  return counters_.back().counter;
}

void SharedStates::scrape(telemetry::Samples& samples) const {
  for (const Counted& each : counters_) {
    samples.counter(each.name, each.help, {{each.label, each.value}}, static_cast<double>(each.counter->value()));
  }
}

std::shared_ptr<const plugin::HttpCaller> BuildSurroundings::http(std::string_view name) {
  const auto service = std::ranges::find_if(model_services_, [&](const auto& each) { return each.name == name; });
  return std::make_shared<ServiceCaller>(shared_, services_.cluster(*service), *service);
}

}  // namespace gatehouse::engine
