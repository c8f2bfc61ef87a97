#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "config/loader.h"

namespace gatehouse::cli {

/// Adds an option that is one of `words`. `value`, which holds the default, must live as long as the command.
void add_choice(CLI::App& command, const std::string& name, std::string& value, const std::vector<std::string>& words,
                const std::string& text);
/// Adds `--format`, one of `words`; the first is the default. `format` must live as long as the command.
void add_format(CLI::App& command, std::string& format, const std::vector<std::string>& words);

/// The file if it can be run; warnings go to stderr. nullopt where it cannot: every error has been written there.
std::optional<config::Loaded> load_good(const std::string& file);

/// "3 errors", "1 route".
std::string counted(std::size_t count, std::string_view noun);

/// Writes to stdout or stderr as it is.
void say(std::string_view text);
void complain(std::string_view text);

}  // namespace gatehouse::cli
