#include "engine/control/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace gatehouse::engine {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM;

}  // namespace

FileWatch::FileWatch(io::Reactor& reactor, std::function<void()> changed)
    : reactor_(reactor),
      changed_(std::move(changed)),
      events_(*this, [](Wait& wait) { static_cast<Waiting&>(wait).owner.read_events(); }),
      quiet_(*this, [](Wait& wait) { static_cast<Waiting&>(wait).owner.changed_(); }) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0 || !inotify_.open(reactor, fd)) throw std::system_error(errno, std::generic_category(), "inotify_init1");
  listen();
}

void FileWatch::listen() {
  events_.attach(reactor_.scheduler(), &inotify_.readable, nullptr, kNever);
}

void FileWatch::watch(const std::vector<std::string>& files) {
  for (const int folder : folders_) ::inotify_rm_watch(inotify_.fd(), folder);
  folders_.clear();
  names_.clear();
  endings_.clear();
  std::set<std::string> folders;
  for (const std::string& file : files) {
    const std::filesystem::path path(file);
    folders.insert(path.has_parent_path() ? path.parent_path().string() : ".");
    names_.insert(path.filename().string());
    if (path.has_extension()) endings_.insert(path.extension().string());
    std::filesystem::path part;
    for (const std::filesystem::path& name : path.parent_path()) {
      part /= name;
      std::error_code error;
      if (!std::filesystem::is_symlink(part, error)) continue;
      folders.insert(part.has_parent_path() ? part.parent_path().string() : ".");
      names_.insert(part.filename().string());
    }
  }
  for (const std::string& folder : folders) {
    const int id = ::inotify_add_watch(inotify_.fd(), folder.c_str(), kEvents);
    if (id >= 0) folders_.push_back(id);
  }
}

bool FileWatch::concerns(std::string_view name) const {
  const std::filesystem::path path(name);
  return names_.contains(std::string(name)) || endings_.contains(path.extension().string()) || name.starts_with("..");
}

void FileWatch::read_events() {
  alignas(inotify_event) char buffer[4096];
  bool concerned = false;
  for (;;) {
    // Whole events only: a short read does not mean that nothing is left.
    const ssize_t got = ::read(inotify_.fd(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
      concerned = concerned || (event.mask & IN_Q_OVERFLOW) != 0 || (event.len != 0 && concerns(event.name));
      at += sizeof event + event.len;
    }
  }
  if (concerned) quiet_.attach(reactor_.scheduler(), nullptr, nullptr, deadline_after(reactor_.now(), kQuiet));
  listen();
}

}  // namespace gatehouse::engine
