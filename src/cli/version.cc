#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>

#include "cli/support.h"
#include "config/node.h"

namespace gatehouse::cli {
namespace {

using config::Node;

/// "clang 19.1.4": this build's; other compilers are refused by CMake.
std::string compiler() {
  return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
         std::to_string(__clang_patchlevel__);
}

std::string build() {
  std::string text = GATEHOUSE_BUILD_TYPE;
  if (*GATEHOUSE_SANITIZE != '\0') text += " with sanitizers " GATEHOUSE_SANITIZE;
  return text.empty() ? "unnamed" : text;
}

/// Name and version of each library, as CMake found them; "" where a library does not say.
std::vector<std::pair<std::string, std::string>> libraries() {
  std::vector<std::pair<std::string, std::string>> found;
  std::istringstream list(GATEHOUSE_LIBRARIES);
  for (std::string item; std::getline(list, item, ';');) {
    const std::size_t space = item.find(' ');
    found.emplace_back(item.substr(0, space), item.substr(space + 1));
  }
  return found;
}

std::string as_text() {
  std::string text =
      "gatehouse " GATEHOUSE_VERSION "\ncompiler: " + compiler() + "\nbuild: " + build() + "\nlibraries: ";
  const char* separator = "";
  for (const auto& [name, version] : libraries()) {
    text += separator + name + (version.empty() ? "" : " " + version);
    separator = ", ";
  }
  text += "\nplugins: ";
  separator = "";
  for (const config::PluginInfo& plugin : catalogue().plugins) {
    text += separator + plugin.name;
    separator = ", ";
  }
  return text + "\n";
}

std::string as_json() {
  Node root = Node::mapping();
  root.set("version", Node::string(GATEHOUSE_VERSION));
  root.set("compiler", Node::string(compiler()));
  root.set("build", Node::string(build()));
  Node& list = root.set("libraries", Node::mapping());
  for (const auto& [name, version] : libraries()) list.set(name, Node::string(version));
  Node& plugins = root.set("plugins", Node::sequence());
  for (const config::PluginInfo& plugin : catalogue().plugins) plugins.push(Node::string(plugin.name));
  return to_json(root);
}

}  // namespace

void add_version(CLI::App& app, Context& context) {
  const auto format = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("version", "Prints version, compiler, libraries and plugins of this build");
  add_format(*command, *format, {"text", "json"});
  command->footer("Examples:\n  gatehouse version\n  gatehouse version --format json");
  command->callback([format, &context] {
    say(*format == "json" ? as_json() : as_text());
    context.exit_code = 0;
  });
}

}  // namespace gatehouse::cli
