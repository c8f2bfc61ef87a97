#include "cli/commands.h"
#include "engine/listener_tls.h"
#include "plugins/registry.h"
#include "routing/router.h"
#include "telemetry/access_log.h"

namespace gatehouse::cli {

const config::Catalogue& catalogue() {
  static const config::Catalogue made = [] {
    config::Catalogue catalogue;
    for (const plugin::PluginType* type : plugins::all()) catalogue.plugins.push_back(type->info());
    catalogue.check_regex = routing::check_regex;
    catalogue.check_path = routing::check_path;
    catalogue.check_access_format = [](std::string_view format) {
      std::string fault;
      telemetry::make_access_format(format, fault);
      return fault;
    };
    catalogue.check_routes = routing::check_routes;
    catalogue.check_tls = engine::check_tls;
    return catalogue;
  }();
  return made;
}

}  // namespace gatehouse::cli
