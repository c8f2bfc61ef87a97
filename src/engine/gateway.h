#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "config/loader.h"
#include "engine/control.h"
#include "plugin/build_context.h"

namespace gatehouse::engine {

/// What a gateway is started with.
struct GatewayOptions {
  std::string config_file;               ///< read at start and at each SIGHUP …
  std::optional<config::Source> source;  ///< … or a configuration that no file holds (the demo's)
  const config::Catalogue* catalogue = nullptr;
  std::span<const plugin::PluginType* const> plugins;
  bool watch = false;             ///< reloads by itself when a file of the configuration changes
  std::function<void()> started;  ///< called once, when clients are served
  /// What answers on the admin listener, and on the address that serves only probes.
  std::function<LocalServer::Pages(Control&)> admin, probes;
};

/// Runs a gateway on this thread (the control thread) and its workers until SIGTERM or SIGINT; blocks those, SIGHUP and
/// SIGUSR1 for the whole process. Gives the exit code: 0 after a drain, 1 where it could not start (said on stderr).
int run_gateway(const GatewayOptions& options);

}  // namespace gatehouse::engine
