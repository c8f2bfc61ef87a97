#pragma once
#include <string>
#include <vector>

namespace gatehouse::cli {

/// Takes a command line apart (without the program's name), runs what it asks for and gives the exit code: 0 good, 1
/// the configuration or the request is not, 2 the command line is not. Without arguments it prints the help, as kubectl
/// and caddy do: 0.
int run_command_line(std::vector<std::string> arguments, const std::string& version);

}  // namespace gatehouse::cli
