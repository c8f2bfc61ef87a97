#include "telemetry/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace gatehouse::telemetry {
namespace {

/// Fields 3 and up of /proc/self/stat (proc(5)): the name in field 2 may hold spaces and parentheses.
void read_stat(ProcessStats& stats, std::uint64_t& start_ticks) {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  std::uint64_t user = 0, system = 0, pages = 0;
  for (int field = 3; field <= 13; ++field) fields >> skipped;
  fields >> user >> system;
  for (int field = 16; field <= 19; ++field) fields >> skipped;
  fields >> stats.threads >> skipped >> start_ticks >> stats.virtual_bytes >> pages;
  stats.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.resident_bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t boot_time_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

std::uint64_t count_open_fds() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(directory);
  return count - 1;  // the directory's own
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  std::uint64_t start_ticks = 0;
  read_stat(stats, start_ticks);
  const std::uint64_t boot = boot_time_seconds();
  if (boot != 0) {
    stats.start_time_seconds =
        static_cast<double>(boot) + static_cast<double>(start_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace gatehouse::telemetry
