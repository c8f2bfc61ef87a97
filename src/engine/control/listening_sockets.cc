#include "engine/control/listening_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "engine/control/addresses.h"

namespace gatehouse::engine {
namespace {

constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START of sd_listen_fds(3)

int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

}  // namespace

ListeningSockets::ListeningSockets() {
  if (number_in("LISTEN_PID") != ::getpid()) return;
  const int count = std::clamp(number_in("LISTEN_FDS"), 0, 1024);
  for (int fd = kFirstInherited; fd < kFirstInherited + count; ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) continue;
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    inherited_.push_back(fd);
  }
}

ListeningSockets::~ListeningSockets() {
  while (!sockets_.empty()) close(sockets_.begin()->first);
  for (const int fd : inherited_) ::close(fd);
}

std::expected<ListeningSockets::Socket, std::string> ListeningSockets::open(const config::Address& address) {
  const io::Endpoint endpoint = endpoint_of(address);
  const auto handed = std::ranges::find_if(inherited_, [&](int fd) { return io::is_listening_on(fd, endpoint); });
  if (handed == inherited_.end()) {
    const std::expected<int, std::string> fd = io::listen_on(endpoint);
    if (!fd) return std::unexpected(fd.error());
    return Socket{*fd, false};
  }
  const int fd = *handed;
  inherited_.erase(handed);
  return Socket{fd, true};
}

bool ListeningSockets::open(const std::vector<config::Listener>& listeners, config::Diagnostics& out) {
  std::vector<std::string> opened;
  bool good = true;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string address = listeners[i].address.text();
    if (sockets_.contains(address)) continue;
    const std::expected<Socket, std::string> socket = open(listeners[i].address);
    if (socket) {
      sockets_[address] = *socket;
      opened.push_back(address);
    } else {
      out.error(listeners[i].mark, "listeners[" + std::to_string(i) + "].address",
                socket.error() + (socket.error().ends_with("in use") ? whose(listeners[i].address) : ""));
      good = false;
    }
  }
  if (!good) {
    for (const std::string& address : opened) close(address);
  }
  return good;
}

/// Who holds the port of an address that cannot be opened, if it is this gateway itself.
std::string ListeningSockets::whose(const config::Address& address) const {
  const std::string text = address.text();
  const std::string port = text.substr(std::min(text.rfind(':'), text.size()));
  for (const auto& [held, socket] : sockets_) {
    if (address.kind == config::Address::Kind::ip && held.ends_with(port) && !held.starts_with("unix:"))
      return " by this gateway, which listens on " + held + ": a change between the two takes a restart";
  }
  return "";
}

std::vector<std::string> ListeningSockets::others(const std::vector<config::Listener>& listeners) const {
  std::vector<std::string> gone;
  for (const auto& [address, socket] : sockets_) {
    if (std::ranges::none_of(listeners, [&](const config::Listener& l) { return l.address.text() == address; })) {
      gone.push_back(address);
    }
  }
  return gone;
}

void ListeningSockets::silence_others(const std::vector<config::Listener>& listeners) {
  for (const std::string& address : others(listeners)) {
    const Socket& socket = sockets_.at(address);
    if (!socket.handed_in) io::refuse_new_connections(socket.fd);
  }
}

void ListeningSockets::close_others(const std::vector<config::Listener>& listeners) {
  for (const std::string& address : others(listeners)) close(address);
}

int ListeningSockets::fd(const config::Address& address) const {
  return sockets_.at(address.text()).fd;
}

void ListeningSockets::close(const std::string& address) {
  const auto found = sockets_.find(address);
  constexpr std::string_view kUnix = "unix:";
  if (address.starts_with(kUnix) && !found->second.handed_in) ::unlink(address.c_str() + kUnix.size());
  if (found->second.handed_in) {
    inherited_.push_back(found->second.fd);  // the service manager goes on listening: it may be wanted again
  } else {
    ::close(found->second.fd);
  }
  sockets_.erase(found);
}

}  // namespace gatehouse::engine
