#pragma once
#include <string>

#include "engine/control.h"
#include "engine/snapshot.h"

namespace gatehouse::engine {

/// Takes a request through take-in, routing and the request hooks of `snapshot` without sending anything, and tells
/// what happened at each step: who is calling, every candidate route in order with the first test that it failed, the
/// winner, the plugins by rank, path and header fields after each step, the service and target, with file:line of each.
/// "" and `error` set where the request makes no sense. Any thread. `snapshot` may be in service: the hooks run on a
/// twin of it (offline.h), so that nothing is counted or sent.
std::string explain(const Snapshot& snapshot, const ExplainRequest& request, bool json, std::string& error);
/// The same on a snapshot of build_offline(), which needs no twin.
std::string explain_offline(const Snapshot& offline, const ExplainRequest& request, bool json, std::string& error);

/// The routes in their order, as JSON (see Control::routes_json).
std::string routes_json(const Snapshot& snapshot);

}  // namespace gatehouse::engine
