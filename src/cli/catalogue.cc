#include "cli/commands.h"
#include "engine/access_format.h"
#include "engine/listener_tls.h"
#include "plugins/registry.h"
#include "routing/router.h"

namespace gatehouse::cli {

const config::Catalogue& catalogue() {
  static const config::Catalogue made = [] {
    config::Catalogue catalogue;
    for (const plugin::PluginType* type : plugins::all()) catalogue.plugins.push_back(type->info());
    catalogue.check_regex = routing::check_regex;
    catalogue.check_path = routing::check_path;
    catalogue.check_access_format = engine::check_access_format;
    catalogue.check_routes = routing::check_routes;
    catalogue.check_tls = engine::check_tls;
    return catalogue;
  }();
  return made;
}

}  // namespace gatehouse::cli
