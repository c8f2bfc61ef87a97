#include "engine/offline.h"

#include <exception>
#include <map>
#include <utility>

namespace gatehouse::engine {
namespace {

thread_local std::vector<std::string> unsent_copies;

class SilentCaller final : public plugin::HttpCaller {
 public:
  explicit SilentCaller(std::string_view service) : service_(service) {}
  bool send_copy(const plugin::Exchange&, std::string_view) const override {
    unsent_copies.push_back(service_);
    return true;
  }

 private:
  const std::string service_;
};

/// Nothing is asked of it: where nothing is sent nothing may wait.
class SilentRedis final : public plugin::Redis {
 public:
  RedisScript script(std::string text) const override { return {std::move(text), ""}; }
  Task<RedisResult> eval(plugin::Exchange&, const RedisScript&, Arguments, Arguments) const override {
    return unavailable();
  }
  void send(const plugin::Exchange&, std::shared_ptr<const RedisScript>, Arguments, Arguments, Then) const override {}
  Task<RedisResult> command(plugin::Exchange&, Arguments) const override { return unavailable(); }

 private:
  static Task<RedisResult> unavailable() { co_return std::unexpected(RedisError{}); }
};

class OfflineSurroundings final : public Surroundings, private plugin::BuildContext {
 public:
  explicit OfflineSurroundings(const config::Model& model) : has_redis_(model.redis.has_value()) {}
  plugin::BuildContext& plugin_context() override { return *this; }
  std::shared_ptr<upstream::Cluster> cluster(const config::Service&) override { return nullptr; }
  telemetry::SeriesId series(std::string_view, std::string_view) override { return 0; }

 private:
  unsigned workers() const override { return 1; }
  std::shared_ptr<const plugin::HttpCaller> http(std::string_view service) override {
    return std::make_shared<SilentCaller>(service);
  }
  std::shared_ptr<const plugin::Offload> offload() override { return nullptr; }
  std::shared_ptr<const plugin::Document> document(const std::string&, const plugin::DocumentSource&) override {
    return nullptr;
  }
  std::shared_ptr<const plugin::Redis> redis() override {
    return has_redis_ ? std::make_shared<SilentRedis>() : nullptr;
  }
  std::shared_ptr<plugin::Counter> counter(std::string_view, std::string_view,
                                           std::pair<std::string_view, std::string_view>) override {
    return std::make_shared<plugin::Counter>();
  }
  std::shared_ptr<void> shared(const std::string& identity,
                               const std::function<std::shared_ptr<void>()>& make) override {
    std::shared_ptr<void>& kept = kept_[identity];
    if (kept == nullptr) kept = make();
    return kept;
  }

  const bool has_redis_;
  std::map<std::string, std::shared_ptr<void>> kept_;  ///< while it is built, plugins hold what they need
};

std::shared_ptr<const Snapshot> build(std::shared_ptr<const config::Loaded> loaded,
                                      std::shared_ptr<const routing::Router> router,
                                      std::span<const plugin::PluginType* const> types, config::Diagnostics& faults) {
  const config::Mark start = loaded->files.empty()
                                 ? config::Mark{}
                                 : config::Mark{std::make_shared<const std::string>(loaded->files.front()), 0, 0};
  try {
    OfflineSurroundings surroundings(loaded->model);
    return build_snapshot(std::move(loaded), std::move(router), types, surroundings);
  } catch (const std::exception& fault) {
    faults.error(start, "", std::string("cannot be built: ") + fault.what());
    return nullptr;
  }
}

}  // namespace

std::vector<std::string> take_unsent_copies() {
  return std::exchange(unsent_copies, {});
}

std::shared_ptr<const Snapshot> build_offline(config::Loaded loaded, std::span<const plugin::PluginType* const> types,
                                              config::Diagnostics& faults) {
  return build(std::make_shared<config::Loaded>(std::move(loaded)), nullptr, types, faults);
}

std::shared_ptr<const Snapshot> build_offline_twin(const Snapshot& snapshot, config::Diagnostics& faults) {
  return build(snapshot.loaded, snapshot.router, snapshot.types, faults);
}

}  // namespace gatehouse::engine
