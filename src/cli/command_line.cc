#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "cli/support.h"

namespace gatehouse::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 good, 1 the configuration or the request is not, 2 the command line is not.\n\n"
    "Examples:\n"
    "  gatehouse demo                                     a gateway with sample services, to look around\n"
    "  gatehouse check shop.yaml\n"
    "  gatehouse run shop.yaml --watch\n"
    "  gatehouse explain shop.yaml \"GET http://api.example.com/users/1\"\n\n"
    "\"gatehouse COMMAND --help\" tells more about a command.";

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

int refuse(const std::string& command, const std::string& message, const std::string& hint) {
  const std::string program = command.empty() ? "gatehouse" : "gatehouse " + command;
  complain(program + ": " + message + (hint.empty() ? "" : "; " + hint) + "\nTry \"" + program + " --help\".\n");
  return 2;
}

/// What was left over: an unknown option, or one word too many.
int refuse_extra(const CLI::App& command, const std::string& name, const std::string& word) {
  if (!word.starts_with('-')) return refuse(name, "unexpected argument \"" + word + "\"", "");
  const std::string option = word.substr(0, word.find('='));
  return refuse(name, "unknown option " + option, config::suggest(option, option_names(command)));
}

int refuse_parsed(const CLI::App& app, const CLI::ParseError& fault) {
  std::string name;
  const CLI::App* deepest = &app;
  for (; !deepest->get_subcommands().empty(); deepest = deepest->get_subcommands().front())
    name += (name.empty() ? "" : " ") + deepest->get_subcommands().front()->get_name();
  const CLI::App& command = *deepest;
  if (const std::vector<std::string> extras = command.remaining(); !extras.empty()) {
    // Of a command line with a wrong option and a missing argument the option is the cause.
    const auto option = std::ranges::find_if(extras, [](const std::string& word) { return word.starts_with('-'); });
    return refuse_extra(command, name, option != extras.end() ? *option : extras.front());
  }
  return refuse(name, fault.what(), "");
}

}  // namespace

int run_command_line(std::vector<std::string> arguments, const std::string& version) {
  CLI::App app("Gatehouse is an API gateway: one program in front of services, told what to do by one file.",
               "gatehouse");
  Context context;
  app.set_version_flag("--version", "gatehouse " + version);
  app.footer(kFooter);
  for (const auto add : {add_run, add_check, add_explain, add_print, add_schema, add_credential, add_demo, add_version})
    add(app, context);
  if (arguments.empty()) {
    say(app.help());
    return 0;
  }
  const std::vector<std::string> names = command_names(app);
  if (arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.insert(arguments.size() < 2 ? arguments.end() : arguments.begin() + 1, "--help");
  }
  const std::string& first = arguments.front();
  if (!first.starts_with('-') && std::ranges::find(names, first) == names.end()) {
    return refuse("", "unknown command \"" + first + "\"", config::suggest(first, names));
  }
  try {
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(std::move(arguments));
    return context.exit_code;
  } catch (const CLI::Success& answer) {
    std::ostringstream text;
    app.exit(answer, text, text);
    say(text.str());
    return 0;
  } catch (const CLI::ParseError& fault) {
    return refuse_parsed(app, fault);
  }
}

}  // namespace gatehouse::cli
