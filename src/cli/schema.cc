#include <CLI/CLI.hpp>
#include <memory>

#include "cli/support.h"

namespace gatehouse::cli {

void add_schema(CLI::App& app, Context& context) {
  const auto format = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("schema", "Prints the JSON Schema of the configuration, for editors");
  add_format(*command, *format, {"json"});
  command->footer(
      "The schema holds every key of the native format and the options of every plugin of this build.\n\n"
      "Examples:\n"
      "  gatehouse schema > gatehouse.schema.json\n\n"
      "First line of a configuration for editors with a YAML language server:\n"
      "  # yaml-language-server: $schema=./gatehouse.schema.json");
  command->callback([format, &context] {
    say(config::schema(catalogue()));
    context.exit_code = 0;
  });
}

}  // namespace gatehouse::cli
