#include <CLI/CLI.hpp>
#include <memory>

#include "admin/admin.h"
#include "cli/commands.h"
#include "engine/gateway.h"
#include "plugins/registry.h"

namespace gatehouse::cli {

void add_run(CLI::App& app, Context& context) {
  struct Arguments {
    std::string file;
    bool watch = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* run = app.add_subcommand("run", "Runs a gateway until SIGTERM; SIGHUP reloads its configuration");
  run->add_option("FILE", arguments->file, "The configuration (YAML or JSON)")->required();
  run->add_flag("--watch", arguments->watch, "Reload by itself when a file of the configuration changes");
  run->footer("Example: gatehouse run --watch shop.yaml");
  run->callback([arguments, &context] {
    engine::GatewayOptions options;
    options.config_file = arguments->file;
    options.catalogue = &catalogue();
    options.plugins = plugins::all();
    options.watch = arguments->watch;
    options.admin = admin::make_admin;
    options.probes = admin::make_probes;
    context.exit_code = engine::run_gateway(options);
  });
}

}  // namespace gatehouse::cli
