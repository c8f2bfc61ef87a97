#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command_line.h"
#include "cli/support.h"

int main(int argc, char** argv) {
  using namespace gatehouse::cli;
  const int exit_code = run_command_line({argv + 1, argv + argc}, GATEHOUSE_VERSION);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    complain("gatehouse: the output could not be written\n");
    return exit_code != 0 ? exit_code : 1;
  }
  return exit_code;
}
