#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/snapshot.h"

namespace gatehouse::engine {

/// A snapshot with no gateway around it: no workers, no connections, plugins whose calls to services send nothing and
/// whose counts are their own. For `check` and `explain`; never to be published.
///
/// Builds `loaded`, which has no errors. Null where building failed: then `faults` got an error that only building
/// shows.
std::shared_ptr<const Snapshot> build_offline(config::Loaded loaded, std::span<const plugin::PluginType* const> types,
                                              config::Diagnostics& faults);

/// The same configuration as `snapshot`, which may be in service: shares what never changes and leaves its plugins'
/// state alone. Any thread.
std::shared_ptr<const Snapshot> build_offline_twin(const Snapshot& snapshot, config::Diagnostics& faults);

/// The services to which plugins of offline snapshots would have sent copies, on this thread since the last call.
std::vector<std::string> take_unsent_copies();

}  // namespace gatehouse::engine
