#pragma once
#include "actions/forward.h"
#include "engine/dispatch.h"
#include "engine/session.h"
#include "engine/worker.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// Takes one exchange through its phases, whatever protocol its session speaks:
///
///   take in   who is calling, which fields come in (inbound.h)
///   route     method, host, normalised path → route, destination, rewritten path (dispatch.h)
///   request   the chain's request hooks; between them it is settled who calls. A reply ends here
///   action    forward (with the response hooks between head and body), redirect, respond
///   reply     where the gateway answers itself: response hooks, error document, head and body
///   complete  on_complete hooks, access log, metrics: exactly once, also after errors
///
/// Lives in the frame of Worker::serve. Pins the worker's snapshot as long as it lives.
class ExchangeDriver {
 public:
  ExchangeDriver(Worker& worker, const Call& call, Arena& arena, http::RequestHead& head);
  /// For what was no readable request: only replies with `error`.
  ExchangeDriver(Worker& worker, const Call& call, Arena& arena, const Error& error);
  ExchangeDriver(const ExchangeDriver&) = delete;
  ExchangeDriver& operator=(const ExchangeDriver&) = delete;
  ~ExchangeDriver();

  Task<void> run();

 private:
  Task<void> forward();
  Task<void> send_reply();
  void complete();
  /// What lives as long as a WebSocket must not keep an old configuration.
  void let_go_of_snapshot();
  std::span<const telemetry::LoggedClaim> claims_for_log();

  const Snapshot& snapshot() const { return *pinned_->snapshot; }

  Worker& worker_;
  const Call call_;
  PublishedSnapshot* pinned_;  ///< null once let go of
  plugin::Exchange x_;
  Dispatch dispatch_;
  const plugin::Chain* chain_;  ///< the destination's, with the consumer's own plugins once it is known
  std::int64_t wall_us_;
  std::string_view sent_path_;  ///< path and query as the client sent them
  actions::ForwardReport report_;
  std::uint32_t series_ = 0;
  std::string_view consumer_;                            ///< for the log, where the consumer has been let go of
  std::span<const telemetry::LoggedClaim> claims_ = {};  ///< the same
};

}  // namespace gatehouse::engine
