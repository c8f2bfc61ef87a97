#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/session.h"

namespace gatehouse::engine {

/// One whole request as a LocalServer hands it over. Views live during the call.
struct LocalRequest {
  std::string_view method;  ///< a HEAD request is handed over as "GET"; its answer goes out without the body
  std::string_view path;    ///< raw, starts with "/"
  std::string_view query;   ///< raw, without "?"
  std::string_view body;
  std::function<std::string_view(std::string_view name)> header;  ///< first line of that name, "" if there is none;
                                                                  ///< "Host" gives the target's authority if it has one
  bool from_loopback = false;
};

/// Status, content type and headers are checked before they go out; what could not be sent becomes a 500.
/// Content-Length, Connection and Date are the server's own to write. 204 and 304 go out without the body.
struct LocalResponse {
  int status = 200;                               ///< 200 to 599
  std::string content_type = "application/json";  ///< "" for none
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  Duration delay{};  ///< the answer is held back so long; other connections are served meanwhile
};

/// Bounds of a LocalServer.
struct LocalLimits {
  std::size_t max_body = 16 * 1024 * 1024;
  std::size_t max_connections = 256;  ///< one more closes one that has not asked for anything, else it is told 503
  Duration header_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(75);
  Duration body_timeout = std::chrono::seconds(30);  ///< between two reads or writes of a body
};

/// A small HTTP/1.1 server for the gateway's own needs (the admin listener, the demo's sample services): whole requests
/// in, whole answers out, on the sessions that clients meet elsewhere, so framing and limits are the same. A body above
/// `max_body` is 413, an Answer that throws 500. Errors are `{"error": "…"}`. Owner and thread: the reactor's; not to
/// be destroyed from inside an Answer. The destructor ends the connections that are left.
class LocalServer {
 public:
  using Answer = std::function<LocalResponse(const LocalRequest&)>;
  /// Asked before the body of a request is read, which may be dear: an answer here refuses it unread.
  using Refusal = std::function<std::optional<LocalResponse>(const LocalRequest& without_body)>;
  struct Pages {
    Answer answer;
    Refusal refusal = {};
  };

  /// Takes over the listening descriptor `fd`.
  LocalServer(io::Reactor& reactor, int fd, Pages pages, const LocalLimits& limits = {});
  LocalServer(io::Reactor& reactor, int fd, Answer answer, const LocalLimits& limits = {})
      : LocalServer(reactor, fd, Pages{std::move(answer)}, limits) {}
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::engine
