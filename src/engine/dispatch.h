#pragma once
#include "base/random.h"
#include "engine/snapshot.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// One exchange's way over a snapshot: everything that is decided between take-in and the first plugin, and the request
/// line and Host behind the last. Needs no session, so that `explain` goes the same way as a request. Owner: whoever
/// drives the exchange; allocates in its arena alone.
class Dispatch {
 public:
  explicit Dispatch(const Snapshot& snapshot)
      : snapshot_(&snapshot), destination_(&snapshot.nowhere), limits_(&snapshot.model().limits) {}

  /// Normalises the path, finds the route, chooses the destination and fills in what the exchange knows of them: path,
  /// forward_…, route, service, limits. Where no service is to be asked, `x.replied` says so and the answer is there.
  /// `listener` is an index into Model::listeners.
  void route(plugin::Exchange& x, std::uint16_t listener, Random& random);
  /// Whether the chain's request hooks run: before a fixed answer too, since access rules protect it like any other,
  /// but not where the request was refused.
  bool runs_request_hooks(const plugin::Exchange& x) const {
    return route_ != nullptr && (!x.replied || destination_->service == nullptr);
  }
  /// After the request hooks: writes Host as the service gets it and gives the request target. There is a service.
  std::string_view finish_head(plugin::Exchange& x) const;
  /// After the response hooks, where the gateway answers itself: the error document, cookie and date.
  void finish_reply(plugin::Exchange& x, std::int64_t wall_us) const;

  const RouteRuntime* route() const { return route_; }              ///< null: none
  const Destination& destination() const { return *destination_; }  ///< Snapshot::nowhere without a route
  const routing::Match& found() const { return found_; }
  const routing::Captures& captures() const { return captures_; }
  Duration body_timeout() const {
    return route_ != nullptr ? route_->body_timeout.value_or(limits_->body_timeout) : limits_->body_timeout;
  }
  std::string_view sticky_cookie() const { return sticky_cookie_; }  ///< a Set-Cookie to be sent, "" for none

 private:
  bool prepare(plugin::Exchange& x) const;
  void check_upgrade(plugin::Exchange& x) const;
  static void count_hop(plugin::Exchange& x);
  void refuse_unrouted(plugin::Exchange& x) const;
  std::uint32_t sticky_hash(plugin::Exchange& x, Random& random);
  void choose_destination(plugin::Exchange& x, Random& random);
  void answer_without_service(plugin::Exchange& x) const;
  void set_forward_path(plugin::Exchange& x) const;
  void set_host(plugin::Exchange& x) const;

  const Snapshot* snapshot_;
  const RouteRuntime* route_ = nullptr;
  const Destination* destination_;
  std::uint16_t listener_ = 0;
  const config::Limits* limits_;  ///< the listener's; the gateway's where it is gone
  routing::Match found_;
  routing::Captures captures_;
  std::string_view sticky_cookie_;
};

/// What an exchange is matched by. Its path is normalised.
routing::Request routing_request(const plugin::Exchange& x, std::uint16_t listener);

}  // namespace gatehouse::engine
