#pragma once
#include <cstdint>

namespace gatehouse::telemetry {

/// Adds to access_log_dropped_total(). Any thread.
void count_dropped_lines(std::uint64_t lines);

}  // namespace gatehouse::telemetry
