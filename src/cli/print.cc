#include <CLI/CLI.hpp>
#include <memory>

#include "cli/support.h"

namespace gatehouse::cli {
namespace {

struct PrintOptions {
  std::string file, format;
  bool effective = false;
};

int print(const PrintOptions& options) {
  const std::optional<config::Loaded> loaded = load_good(options.file);
  if (!loaded) return 1;
  const bool json = options.format == "json";
  say(json ? config::print_effective_json(*loaded, catalogue()) : config::print_effective(*loaded, catalogue()));
  return 0;
}

}  // namespace

void add_print(CLI::App& app, Context& context) {
  const auto options = std::make_shared<PrintOptions>();
  CLI::App* command = app.add_subcommand("print", "Prints a configuration with every default filled in");
  command->add_option("FILE", options->file, "The configuration")->required();
  command->add_flag("--effective", options->effective,
                    "With includes joined and defaults filled in: what is printed anyway");
  add_format(*command, options->format, {"yaml", "json"});
  command->footer(
      "Secrets are printed as ***. What is printed as YAML can be loaded again.\n\n"
      "Examples:\n"
      "  gatehouse print --effective shop.yaml\n"
      "  gatehouse print shop.yaml --format json | jq .limits");
  command->callback([options, &context] { context.exit_code = print(*options); });
}

}  // namespace gatehouse::cli
