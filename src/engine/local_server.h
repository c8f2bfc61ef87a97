#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/session.h"

namespace gatehouse::engine {

/// One whole request as a LocalServer hands it over. Views live during the call.
struct LocalRequest {
  std::string_view method;
  std::string_view path;   ///< raw, starts with "/"
  std::string_view query;  ///< raw, without "?"
  std::string_view body;
  std::function<std::string_view(std::string_view name)> header;  ///< first line of that name, "" if there is none
  bool from_loopback = false;
};

struct LocalResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// A small HTTP/1.1 server for the gateway's own needs (the admin listener, the demo's sample services): whole requests
/// in, whole answers out, on the sessions that clients meet elsewhere, so framing and limits are the same. A body above
/// `max_body` is 413. Owner and thread: the reactor's; outlives its sessions, which its destructor ends.
class LocalServer {
 public:
  using Answer = std::function<LocalResponse(const LocalRequest&)>;

  /// Takes over the listening descriptor `fd`.
  LocalServer(io::Reactor& reactor, int fd, Answer answer, std::size_t max_body = 16 * 1024 * 1024);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::engine
