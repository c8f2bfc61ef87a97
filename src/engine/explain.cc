#include "engine/explain.h"

#include "engine/explain/facts.h"
#include "engine/offline.h"

namespace gatehouse::engine {

std::string explain_offline(const Snapshot& offline, const ExplainRequest& request, bool json, std::string& error) {
  const explaining::Facts facts = explaining::collect(offline, request, error);
  if (!error.empty()) return "";
  return json ? explaining::as_json(facts) : explaining::as_text(facts);
}

std::string explain(const Snapshot& snapshot, const ExplainRequest& request, bool json, std::string& error) {
  config::Diagnostics faults;
  const std::shared_ptr<const Snapshot> twin = build_offline_twin(snapshot, faults);
  if (twin == nullptr) {
    error = faults.text();
    return "";
  }
  return explain_offline(*twin, request, json, error);
}

}  // namespace gatehouse::engine
