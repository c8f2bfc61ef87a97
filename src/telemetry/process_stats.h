#pragma once
#include <cstdint>

namespace gatehouse::telemetry {

/// What the kernel says about this process; a value that could not be read is 0.
struct ProcessStats {
  double cpu_seconds = 0;         ///< user and system time of all threads
  double start_time_seconds = 0;  ///< since 1970
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  ///< the soft RLIMIT_NOFILE
};

/// Reads /proc; some 50 µs and linear in the number of open descriptors. Not for the data path.
ProcessStats read_process_stats();

}  // namespace gatehouse::telemetry
