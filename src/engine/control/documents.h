#pragma once
#include <memory>
#include <vector>

#include "io/reactor.h"
#include "plugin/document.h"
#include "telemetry/samples.h"

namespace gatehouse::engine {

/// The documents that the gateway keeps fresh copies of. The control thread fetches them, one fetch of each at a time,
/// and posts what it read to the workers. Control thread.
class Documents {
 public:
  Documents(io::Reactor& control, std::vector<io::Reactor*> workers);
  ~Documents();
  Documents(const Documents&) = delete;
  Documents& operator=(const Documents&) = delete;

  /// Begins to fetch it. The URL is good: the loader has read it.
  std::shared_ptr<plugin::Document> open(plugin::DocumentSource source);
  void scrape(telemetry::Samples& samples) const;

 private:
  struct Host;
  class Kept;
  std::shared_ptr<Host> host_;
};

}  // namespace gatehouse::engine
