#pragma once

namespace gatehouse::engine {

/// The CPUs that this process may use: its affinity, and the quota of its cgroup (v2 and v1) rounded up; at least 1.
unsigned usable_cpus();
/// Raises the limit of open files as far as it may go.
void raise_open_files();

}  // namespace gatehouse::engine
