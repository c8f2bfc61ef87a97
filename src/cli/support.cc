#include "cli/support.h"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace gatehouse::cli {

void add_choice(CLI::App& command, const std::string& name, std::string& value, const std::vector<std::string>& words,
                const std::string& text) {
  CLI::IsMember one_of(words);
  one_of.description("");
  command.add_option(name, value, text)->check(one_of)->type_name(CLI::detail::join(words, "|"))->capture_default_str();
}

void add_format(CLI::App& command, std::string& format, const std::vector<std::string>& words) {
  format = words.front();
  add_choice(command, "--format", format, words, "Form of the output");
}

std::optional<config::Loaded> load_good(const std::string& file) {
  config::Loaded loaded = config::load_file(file, catalogue());
  complain(loaded.diagnostics.text());
  if (loaded.diagnostics.has_errors()) return std::nullopt;
  return loaded;
}

std::string counted(std::size_t count, std::string_view noun) {
  std::string text = std::to_string(count) + " ";
  text += noun;
  if (count != 1) text += 's';
  return text;
}

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}
void complain(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace gatehouse::cli
