#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/control.h"
#include "engine/snapshot.h"

namespace gatehouse::engine::explaining {

/// What `explain` found out about one request, as plain values: text and JSON are two ways of writing it.

using Lines = std::vector<std::pair<std::string, std::string>>;  ///< header fields

/// A route that was looked at.
struct CandidateFact {
  std::string route, place, rank;
  enum class Result : std::uint8_t { matched, failed, not_reached } result = Result::failed;
  std::string failed;  ///< the first test that it failed
};

/// What one hook changed.
struct Changes {
  Lines added, removed;
  struct Value {
    std::string name, from, to;
  };
  std::vector<Value> values;  ///< path, query, host, limits
  bool empty() const { return added.empty() && removed.empty() && values.empty(); }
};

/// One plugin in one phase.
struct PluginFact {
  std::string name, instance, level, place;
  int rank = 0;
  enum class Outcome : std::uint8_t {
    proceeds,
    answers,      ///< the request goes no further
    would_wait,   ///< it waits for something that explain does not ask: what comes of it is not known
    no_hook,      ///< it has nothing to do in this phase
    not_reached,  ///< one before it answered
    later,        ///< its turn comes when the service has answered
  } outcome = Outcome::proceeds;
  Changes changes;
  bool watches_request_body = false, watches_response_body = false;
  std::vector<std::string> copies_to;  ///< services that would get a copy of the request
};

/// Who calls, once the plugins that ask have run.
struct IdentityFact {
  std::string consumer, groups, tier, credential;  ///< "" for none
  bool anonymous = false;
  bool admitted = false;
  Changes changes;
};

/// How the path to the service came about: "as sent", "normalised", "strip_path", …
struct PathStep {
  std::string what, path;
};

/// A timeout or limit in force.
struct Setting {
  std::string name, value;
  std::string from;   ///< "route", "service", "gateway", "default"
  std::string place;  ///< where it was written, "" for a default
};

struct TargetFact {
  std::string address;
  std::uint32_t weight = 1;
  bool first = false;  ///< the one that a worker asks first
};

struct SplitFact {
  std::string service;
  std::uint32_t weight = 0;
  bool chosen = false;
};

/// What goes to the service.
struct ForwardFact {
  std::string service, place, url;
  std::vector<TargetFact> targets;
  std::vector<Setting> settings;
  std::string request_line;
  Lines fields;
};

/// What the gateway answers itself.
struct ReplyFact {
  int status = 0;
  std::string phrase;
  std::string reason;  ///< the word of x-gatehouse-error, "" where nothing went wrong
  Lines fields;
  std::string body;
};

struct Facts {
  // the request as it was understood
  std::string request_line;
  Lines fields;
  std::size_t body_size = 0;
  std::string listener, listener_address;
  std::vector<std::string> notes;

  // who is calling
  std::string peer, client_ip, client_ip_reason;
  std::string client_certificate;  ///< its subject; "" for none
  bool https = false;
  Changes taken_in;  ///< fields that the gateway added and removed before routing

  // routing
  std::string host, path;        ///< path: normalised, "" where it could not be
  std::string preflight_method;  ///< the method that a CORS preflight asks for
  std::vector<CandidateFact> candidates;
  std::string decision;
  std::string route, route_place;
  Lines captures;
  std::vector<SplitFact> split;
  std::string split_reason;

  std::optional<IdentityFact> identity;  ///< where the route asks
  std::vector<PluginFact> request_plugins, attempt_plugins, response_plugins;
  std::vector<PathStep> path_steps;
  std::optional<ForwardFact> forward;  ///< one of these two
  std::optional<ReplyFact> reply;
};

/// Takes `request` through `offline`, a snapshot that is not in service. `error` is set where it makes no sense.
Facts collect(const Snapshot& offline, const ExplainRequest& request, std::string& error);

/// Replaces what proves who calls by ***: Authorization and Proxy-Authorization behind the scheme, fields and query
/// parameters of the names that the configuration takes for credentials, and those that usually are.
void hide_credentials(Facts& facts, const Snapshot& snapshot);

std::string as_text(const Facts& facts);
std::string as_json(const Facts& facts);

}  // namespace gatehouse::engine::explaining
