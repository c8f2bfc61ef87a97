#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"
#include "engine/local_server.h"

namespace gatehouse::engine {

/// A request that `explain` asks about.
struct ExplainRequest {
  std::string method = "GET";
  std::string url;  ///< "http://api.example.com/users/1?x=y" or "/users/1"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string client_ip;    ///< "" for 127.0.0.1
  std::string listener;     ///< name; "" for the first
  std::string client_cert;  ///< PEM: the certificate that the client shows; "" for none
};

/// What a submitted configuration came to.
struct ReloadReport {
  bool accepted = false;
  config::Diagnostics diagnostics;   ///< errors where it was not, warnings in any case
  std::vector<std::string> changes;  ///< a sentence each: "route users: added"; empty if nothing changed
  std::uint64_t version = 0;         ///< of the configuration in use now
};

/// The running gateway as the admin listener sees it. All on the control thread.
class Control {
 public:
  virtual ~Control() = default;
  /// Whether new traffic is welcome: false from the start of a drain on.
  virtual bool ready() const = 0;
  /// Prometheus text, format 0.0.4.
  virtual std::string metrics() const = 0;
  /// The configuration in use with every default; secrets are ***.
  virtual std::string effective_config(bool json) const = 0;
  virtual std::uint64_t config_version() const = 0;
  /// A JSON array of the routes in their order: name, conditions, action, plugins, place in the file.
  virtual std::string routes_json() const = 0;
  /// As `gatehouse explain`; text for people, JSON for machines. "" and `error` set where the request makes no sense.
  virtual std::string explain(const ExplainRequest& request, bool json, std::string& error) const = 0;
  /// Checks `text` and, unless `dry_run`, puts it in force until the next reload. Refuses include, import and ${file:}.
  virtual ReloadReport submit(std::string text, bool dry_run) = 0;
  /// The token that requests must bring, "" for none.
  virtual const std::string& admin_token() const = 0;
};

}  // namespace gatehouse::engine
