#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "config/loader.h"
#include "plugin/consumer.h"
#include "plugin/counter.h"
#include "plugin/document.h"
#include "plugin/offload.h"
#include "plugin/plugin.h"
#include "plugin/redis.h"

namespace gatehouse::plugin {

/// Calls to a service of this gateway, beside the exchange: with the service's targets, pool and timeouts.
/// Implemented by the engine; any worker's thread, from a hook.
class HttpCaller {
 public:
  virtual ~HttpCaller() = default;
  /// Sends a request of its own made of `exchange`'s (method, path and fields as forwarded, `body` copied) and drops
  /// the response. False: too many such calls are under way on this worker; nothing is sent.
  virtual bool send_copy(const Exchange& exchange, std::string_view body) const = 0;
};

/// What a plugin may take hold of while it is built. Control thread.
class BuildContext {
 public:
  virtual ~BuildContext() = default;
  /// How many workers there are: the size for what is kept per worker, indexed by Exchange::worker.
  virtual unsigned workers() const = 0;
  /// Where the plugin stands, and the name of its instance: "route users /". What it counts goes on under it after a
  /// reload.
  const std::string& scope() const { return scope_; }
  /// The engine's: what is built next stands there.
  void enter(std::string scope) { scope_ = std::move(scope); }
  /// Who may call, by this configuration.
  const std::shared_ptr<const Consumers>& consumers() const { return consumers_; }
  /// The engine's: a configuration begins. What its plugins share by shared_here() begins anew.
  void begin(std::shared_ptr<const Consumers> consumers) {
    consumers_ = std::move(consumers);
    here_.clear();
  }
  /// What the plugins of this configuration alone share under `identity`.
  template <class T>
  std::shared_ptr<T> shared_here(const std::string& identity, const std::function<std::shared_ptr<T>()>& make) {
    std::shared_ptr<void>& slot = here_[std::string(typeid(T).name()) + '\0' + identity];
    if (slot == nullptr) slot = std::static_pointer_cast<void>(make());
    return std::static_pointer_cast<T>(slot);
  }
  /// The caller of a service that the configuration names. The service exists: the loader has checked
  /// references.
  virtual std::shared_ptr<const HttpCaller> http(std::string_view service) = 0;
  /// Threads for what takes long. Null where no exchange has a scope: then a hook does it itself.
  virtual std::shared_ptr<const Offload> offload() = 0;
  /// The copy of a document that the gateway keeps fresh; all configurations share it under `identity`. Null where
  /// nothing may be fetched (explain).
  virtual std::shared_ptr<const Document> document(const std::string& identity, const DocumentSource& source) = 0;
  /// The configuration's Redis; null where it has none.
  virtual std::shared_ptr<const Redis> redis() = 0;
  /// The counter of that name and label among the gateway's metrics; it never falls, whatever configurations come.
  virtual std::shared_ptr<Counter> counter(std::string_view name, std::string_view help,
                                           std::pair<std::string_view, std::string_view> label) = 0;
  /// What all configurations share under `identity` while one of them uses it (limiters, caches).
  template <class T>
  std::shared_ptr<T> process(const std::string& identity, const std::function<std::shared_ptr<T>()>& make) {
    return std::static_pointer_cast<T>(shared(std::string(typeid(T).name()) + '\0' + identity,
                                              [&] { return std::static_pointer_cast<void>(make()); }));
  }

 private:
  std::string scope_;
  std::shared_ptr<const Consumers> consumers_ = std::make_shared<const Consumers>();
  std::map<std::string, std::shared_ptr<void>> here_;

 protected:
  virtual std::shared_ptr<void> shared(const std::string& identity,
                                       const std::function<std::shared_ptr<void>()>& make) = 0;
};

/// The one thing that a plugin's folder exports: `const PluginType kType` in namespace gatehouse::plugins::<folder>.
struct PluginType {
  std::string_view name;  ///< key in the configuration, metric label, docs page
  Posture posture = Posture::fail_closed;
  Hooks hooks;
  /// Name, rank, option table: what the configuration layer needs.
  config::PluginInfo (*info)();
  /// Builds an instance from a `config` mapping (null: absent) that info().check has accepted.
  std::shared_ptr<const Plugin> (*make)(const config::Node* config, BuildContext& context);
};

}  // namespace gatehouse::plugin
