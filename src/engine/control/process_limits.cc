#include "engine/control/process_limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace gatehouse::engine {
namespace {

/// The part of a cgroup's path behind `controller`'s mount ("" is version 2), from /proc/self/cgroup.
std::string group_of(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool found =
        controller.empty() ? controllers == ",," : controllers.find("," + controller + ",") != std::string::npos;
    if (found) return line.substr(second + 1);
  }
  return "/";
}

double number_of(const std::string& path, double otherwise) {
  double number = otherwise;
  std::ifstream(path) >> number;
  return number;
}

/// CPUs that the quota of `group` allows, 0 for no limit. A group inside a container is seen as the root of its mount.
double quota_of(const std::string& group) {
  double quota = 0, period = 0;
  if (std::ifstream("/sys/fs/cgroup" + group + "/cpu.max") >> quota >> period) return period > 0 ? quota / period : 0;
  const std::string old = "/sys/fs/cgroup/cpu" + group;
  quota = number_of(old + "/cpu.cfs_quota_us", -1);
  period = number_of(old + "/cpu.cfs_period_us", 0);
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  unsigned count = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) count = static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
  for (std::string group : {group_of(""), group_of("cpu")}) {
    // A group has no more than the groups above it.
    for (;; group.resize(group.rfind('/'))) {
      const double quota = quota_of(group);
      if (quota > 0) count = std::min(count, std::max(1u, static_cast<unsigned>(std::ceil(quota))));
      if (group.find('/') == std::string::npos) break;
    }
  }
  return count;
}

void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace gatehouse::engine
