#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "io/descriptor.h"
#include "io/reactor.h"

namespace gatehouse::engine {

/// Tells when one of a set of files may have changed: written, replaced by a rename, or reached through a link that
/// was, anywhere on its path (as Kubernetes mounts a ConfigMap). Their folders are watched, so a new file beside them
/// counts if its name ends like one of theirs. Control thread.
class FileWatch {
 public:
  static constexpr Duration kQuiet = std::chrono::milliseconds(200);

  /// `changed` is called kQuiet after the last of a row of changes. Throws std::system_error where the kernel has no
  /// inotify instance left: at start only.
  FileWatch(io::Reactor& reactor, std::function<void()> changed);

  /// Replaces what is watched.
  void watch(const std::vector<std::string>& files);

 private:
  struct Waiting : Wait {
    Waiting(FileWatch& of, Fire fire) : Wait(fire), owner(of) {}
    FileWatch& owner;
  };
  void listen();
  void read_events();
  bool concerns(std::string_view name) const;

  io::Reactor& reactor_;
  std::function<void()> changed_;
  io::Descriptor inotify_;
  std::vector<int> folders_;
  std::set<std::string> names_, endings_;
  Waiting events_, quiet_;
};

}  // namespace gatehouse::engine
