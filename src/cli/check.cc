#include <CLI/CLI.hpp>
#include <memory>

#include "cli/support.h"
#include "config/node.h"
#include "engine/offline.h"
#include "plugins/registry.h"

namespace gatehouse::cli {
namespace {

using config::Diagnostics;
using config::Node;

struct CheckOptions {
  std::vector<std::string> files;
  std::string format;
};

/// What one file came to.
struct Finding {
  std::string file;
  std::size_t routes = 0, services = 0;
  Diagnostics diagnostics;

  std::size_t errors() const { return diagnostics.error_count(); }
  std::size_t warnings() const { return diagnostics.items().size() - errors(); }
};

Finding look_at(const std::string& file) {
  config::Loaded loaded = config::load_file(file, catalogue());
  Finding finding{file, loaded.model.routes.size(), loaded.model.services.size(), loaded.diagnostics};
  if (finding.errors() == 0) engine::build_offline(std::move(loaded), plugins::all(), finding.diagnostics);
  return finding;
}

/// "shop.yaml: ok, 12 routes, 5 services", "shop.yaml: 2 errors, 1 warning"
std::string verdict(const Finding& finding) {
  std::string text = finding.file + ": ";
  if (finding.errors() == 0) {
    text += "ok, " + counted(finding.routes, "route") + ", " + counted(finding.services, "service");
  } else {
    text += counted(finding.errors(), "error");
  }
  if (finding.warnings() != 0) text += ", " + counted(finding.warnings(), "warning");
  return text + "\n";
}

Node as_node(const Finding& finding) {
  Node node = Node::mapping();
  node.set("file", Node::string(finding.file));
  node.set("ok", Node::boolean(finding.errors() == 0));
  node.set("errors", Node::integer(static_cast<std::int64_t>(finding.errors())));
  node.set("warnings", Node::integer(static_cast<std::int64_t>(finding.warnings())));
  node.set("routes", Node::integer(static_cast<std::int64_t>(finding.routes)));
  node.set("services", Node::integer(static_cast<std::int64_t>(finding.services)));
  node.set("diagnostics", finding.diagnostics.node());
  return node;
}

int check(const CheckOptions& options) {
  bool good = true;
  Node files = Node::sequence();
  for (const std::string& file : options.files) {
    const Finding finding = look_at(file);
    good = good && finding.errors() == 0;
    if (options.format == "json") {
      files.push(as_node(finding));
    } else {
      say(finding.diagnostics.text() + verdict(finding));
    }
  }
  if (options.format == "json") {
    Node root = Node::mapping();
    root.set("ok", Node::boolean(good));
    root.set("files", std::move(files));
    say(to_json(root));
  }
  return good ? 0 : 1;
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  const auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand("check", "Checks configurations and tells every error and warning");
  command->add_option("FILE", options->files, "Configurations, each a gateway of its own")->required();
  add_format(*command, options->format, {"text", "json"});
  command->footer(
      "Nothing is opened, resolved or sent. The exit code is 1 if any file has an error; warnings do not count.\n\n"
      "Examples:\n"
      "  gatehouse check shop.yaml\n"
      "  gatehouse check --format json *.yaml | jq '.files[].diagnostics[]'");
  command->callback([options, &context] { context.exit_code = check(*options); });
}

}  // namespace gatehouse::cli
