#include "engine/offline.h"

#include <algorithm>
#include <exception>
#include <map>

namespace gatehouse::engine {
namespace {

class SilentCaller final : public plugin::HttpCaller {
 public:
  bool send_copy(const plugin::Exchange&, std::string_view) const override { return true; }
};

class OfflineSurroundings final : public Surroundings, private plugin::BuildContext {
 public:
  plugin::BuildContext& plugin_context() override { return *this; }
  std::shared_ptr<upstream::Cluster> cluster(const config::Service&) override { return nullptr; }
  telemetry::SeriesId series(std::string_view, std::string_view) override { return 0; }

 private:
  unsigned workers() const override { return 1; }
  std::shared_ptr<const plugin::HttpCaller> http(std::string_view) override { return caller_; }
  std::shared_ptr<void> shared(const std::string& identity,
                               const std::function<std::shared_ptr<void>()>& make) override {
    std::shared_ptr<void>& kept = kept_[identity];
    if (kept == nullptr) kept = make();
    return kept;
  }

  std::shared_ptr<const SilentCaller> caller_ = std::make_shared<SilentCaller>();
  std::map<std::string, std::shared_ptr<void>> kept_;  ///< while it is built, plugins hold what they need
};

}  // namespace

std::shared_ptr<const Snapshot> build_offline(config::Loaded loaded, std::span<const plugin::PluginType* const> types,
                                              config::Diagnostics& faults) {
  const config::Mark start = loaded.files.empty()
                                 ? config::Mark{}
                                 : config::Mark{std::make_shared<const std::string>(loaded.files.front()), 0, 0};
  try {
    OfflineSurroundings surroundings;
    return build_snapshot(std::move(loaded), types, surroundings);
  } catch (const std::exception& fault) {
    faults.error(start, "", std::string("cannot be built: ") + fault.what());
    return nullptr;
  }
}

std::shared_ptr<const Snapshot> build_offline_twin(const Snapshot& snapshot, config::Diagnostics& faults) {
  std::vector<const plugin::PluginType*> types;
  const auto add = [&](const std::vector<plugin::Instance>& instances) {
    for (const plugin::Instance& instance : instances) {
      if (std::ranges::find(types, instance.type) == types.end()) types.push_back(instance.type);
    }
  };
  add(snapshot.global_plugins);
  for (const auto& instances : snapshot.service_plugins) add(instances);
  for (const auto& instances : snapshot.route_plugins) add(instances);
  return build_offline(snapshot.loaded, types, faults);
}

}  // namespace gatehouse::engine
