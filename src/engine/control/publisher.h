#pragma once
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/control/listening_sockets.h"
#include "engine/control/workforce.h"

namespace gatehouse::engine {

/// Brings snapshots and listeners to the workers, and destroys a snapshot when the last worker has let go of it.
/// Control thread.
class Publisher {
 public:
  /// `released` runs after a snapshot was destroyed.
  Publisher(io::Reactor& control, Workforce& workforce, std::function<void()> released);

  struct AccessLogging {
    std::shared_ptr<telemetry::AccessSink> sink;  ///< null: no access log
    std::shared_ptr<const telemetry::AccessFormat> format;
  };
  /// By the index of the listener; null where it is plain.
  using Tls = std::vector<std::shared_ptr<const io::TlsServer>>;
  /// Every worker goes over to `snapshot`, accepts on its listeners and no others, and logs as said. What is under way
  /// ends under the snapshot that it began with.
  void publish(std::shared_ptr<const Snapshot> snapshot, const ListeningSockets& sockets, Tls tls,
               AccessLogging logging);
  /// Accepts what the kernel has accepted already, then no more.
  void stop_accepting();

 private:
  struct Listening {
    std::uint16_t id;
    std::vector<int> fds;  ///< of a fresh one: a descriptor for each worker, which takes it over
    std::string name;
    std::shared_ptr<const SessionSettings> settings;
    bool fresh;
  };
  std::uint16_t id_of(const config::Listener& listener);
  void let_go(PublishedSnapshot* published);

  io::Reactor& control_;
  Workforce& workforce_;
  std::function<void()> released_;
  struct InService {
    std::unique_ptr<PublishedSnapshot> published;
    std::size_t users;  ///< workers that have not let go of it
  };
  std::list<InService> in_service_;
  std::map<std::string, std::uint16_t> ids_;  ///< by address; given once, kept for ever
  std::set<std::uint16_t> live_;
};

}  // namespace gatehouse::engine
