#pragma once
#include "config/loader.h"

namespace CLI {
class App;
}

namespace gatehouse::cli {

/// What the subcommands share: each adds itself to the application and, when it was chosen, runs and leaves its exit
/// code here: 0 good, 1 the configuration (or the request) is not, 2 the command line is not.
struct Context {
  int exit_code = 0;
};

void add_run(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_print(CLI::App& app, Context& context);
void add_schema(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);
void add_credential(CLI::App& app, Context& context);
void add_credential_new(CLI::App& app, Context& context);   ///< below `credential`
void add_credential_hash(CLI::App& app, Context& context);  ///< below `credential`
void add_version(CLI::App& app, Context& context);

/// Every plugin and every check of this build, for the configuration layer. Lives as long as the process.
const config::Catalogue& catalogue();

}  // namespace gatehouse::cli
