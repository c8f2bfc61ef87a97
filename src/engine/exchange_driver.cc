#include "engine/exchange_driver.h"

#include "engine/inbound.h"
#include "engine/tunnel.h"
#include "http/grpc.h"
#include "plugin/claims.h"

namespace gatehouse::engine {

using http::Io;
using plugin::Verdict;

ExchangeDriver::ExchangeDriver(Worker& worker, const Call& call, Arena& arena, http::RequestHead& head)
    : worker_(worker),
      call_(call),
      pinned_(worker.current()),
      x_(arena),
      dispatch_(snapshot()),
      wall_us_(wall_clock_us()) {
  ++pinned_->pins[worker.index()].count;
  x_.request = head;
  x_.worker = worker.index();
  x_.now = worker.reactor().now();
  x_.scope = &call.scope;
  x_.method = head.method_text;
  sent_path_ = head.target;
  take_in(x_, call.arrival, snapshot().model(), worker.random());
  const std::uint16_t listener = pinned_->listener_index[call.arrival.listener];
  name_client(x_, snapshot().model(), listener);
  x_.identity_names = snapshot().identity_headers;
  remove_identity(x_, x_.identity_names);
  dispatch_.route(x_, listener, worker.random());
  chain_ = &dispatch_.destination().chain;
  // Whoever sends a target that can be read two ways gets no second chance on this connection.
  if (x_.reason == Reason::bad_request) call.stream.close_after();
}

ExchangeDriver::ExchangeDriver(Worker& worker, const Call& call, Arena& arena, const Error& error)
    : worker_(worker),
      call_(call),
      pinned_(worker.current()),
      x_(arena),
      dispatch_(snapshot()),
      wall_us_(wall_clock_us()) {
  ++pinned_->pins[worker.index()].count;
  x_.worker = worker.index();
  x_.now = worker.reactor().now();
  x_.scope = &call.scope;
  x_.request.method = http::Method::other;
  take_in(x_, call.arrival, snapshot().model(), worker.random());
  x_.refuse(error.reason, error.detail);
  chain_ = &dispatch_.destination().chain;
}

ExchangeDriver::~ExchangeDriver() {
  complete();
  if (pinned_ != nullptr) worker_.unpin(pinned_);
}

void ExchangeDriver::let_go_of_snapshot() {
  const Destination& destination = dispatch_.destination();
  if (!chain_->complete().empty()) return;  // these hooks are still to run
  series_ = destination.series;
  x_.route = x_.arena.copy(x_.route);
  x_.service = x_.arena.copy(x_.service);
  if (x_.consumer != nullptr) consumer_ = x_.arena.copy(x_.consumer->username);
  claims_ = claims_for_log();
  x_.consumer = nullptr;
  x_.credential = nullptr;
  worker_.unpin(std::exchange(pinned_, nullptr));
}

/// The texts are in the arena.
std::span<const telemetry::LoggedClaim> ExchangeDriver::claims_for_log() {
  if (x_.claims == nullptr || pinned_ == nullptr || !worker_.logging()) return claims_;
  const std::vector<std::string>& names = pinned_->snapshot->model().logging.access.claims;
  auto* const claims = x_.arena.array<telemetry::LoggedClaim>(names.size());
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (const auto text = x_.claims->text(name, x_.arena)) claims[count++] = {x_.arena.copy(name), *text};
  }
  return {claims, count};
}

Task<void> ExchangeDriver::run() {
  if (dispatch_.runs_request_hooks(x_)) {
    const bool authenticates = dispatch_.destination().authenticates;
    if (authenticates) plugin::begin_authentication(x_, dispatch_.destination().rules);
    bool go_on = true;
    for (const bool identified : {false, true}) {
      for (const plugin::Plugin* plugin : identified ? chain_->behind_identity() : chain_->before_identity()) {
        Verdict verdict = plugin->on_request(x_);
        if (verdict == Verdict::suspend) verdict = co_await plugin->on_request_async(x_);
        go_on = verdict != Verdict::reply;
        if (!go_on) break;
      }
      if (go_on && !identified && authenticates) {
        go_on = plugin::finish_authentication(x_) != Verdict::reply;
        if (go_on) chain_ = snapshot().chain_for(x_, *chain_);
      }
      if (!go_on) break;
    }
  }
  if (!x_.replied) co_await forward();
  // Nobody is there to read a 499: it is for the log.
  if (x_.replied && !call_.stream.responded() && x_.reason != Reason::client_closed) co_await send_reply();
}

Task<void> ExchangeDriver::forward() {
  const Destination& to = dispatch_.destination();
  const ResolvedTimeouts& times = to.timeouts;
  const actions::ForwardTimeouts timeouts{times.connect, times.send,        times.read,
                                          times.total,   times.stream_idle, dispatch_.body_timeout()};
  actions::Forward forward(x_, call_.stream, *chain_, *to.service->cluster, timeouts, call_.scope);
  forward.set_cookie(dispatch_.sticky_cookie());
  co_await forward.run(dispatch_.finish_head(x_));
  report_ = forward.report();
  if (!forward.upgraded()) co_return;
  const Duration idle = times.stream_idle;
  let_go_of_snapshot();
  Tunnel tunnel(call_.stream, forward.service(), call_.scope, idle, x_.request.upgrade == "websocket");
  co_await tunnel.run();
}

Task<void> ExchangeDriver::send_reply() {
  for (const plugin::Plugin* plugin : chain_->response()) {
    const Verdict verdict = plugin->on_response(x_);
    if (verdict == Verdict::suspend) co_await plugin->on_response_async(x_);
  }
  dispatch_.finish_reply(x_, wall_us_);
  call_.stream.settle_request();
  const bool head_only = x_.request.method == http::Method::head;
  const Duration patience = dispatch_.body_timeout();
  Io io = call_.stream.write_head(x_.response, x_.reply_body, true, head_only);
  while (io == Io::blocked) {
    const TimePoint deadline = deadline_after(worker_.reactor().now(), patience);
    if (co_await until(call_.stream.writable(), call_.scope, deadline) != Outcome::ready) {
      call_.stream.reset();
      co_return;
    }
    io = call_.stream.flush();
  }
}

void ExchangeDriver::complete() {
  if (pinned_ != nullptr) {
    series_ = dispatch_.destination().series;
    for (const plugin::Plugin* plugin : chain_->complete()) plugin->on_complete(x_);
  }
  const TimePoint now = worker_.reactor().now();
  const auto micros = [](Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  };
  // A tunnel's time says nothing about how quick the service is.
  const bool tunnel = x_.response.status == 101 && report_.headed != kNever;
  const std::uint64_t duration_us = micros(now - x_.now);
  const bool asked = report_.tries != 0;
  const std::uint64_t upstream_us =
      asked ? micros((report_.headed != kNever ? report_.headed : now) - report_.started) : UINT64_MAX;
  if (!call_.stream.responded() && x_.reason == Reason::none) x_.reason = Reason::client_closed;
  const int status = call_.stream.responded() ? x_.response.status : status_of(Reason::client_closed);
  if (!call_.stream.responded() && call_.scope.cancelled()) x_.reason = Reason::client_closed;

  telemetry::Series& series = worker_.metrics().series(series_);
  series.count(static_cast<std::uint8_t>(x_.request.method), status,
               tunnel ? micros(report_.headed - x_.now) : duration_us);
  if (asked) series.count_upstream(upstream_us);
  if (x_.reason != Reason::none) worker_.metrics().count_error(x_.reason);
  if (!worker_.logging()) return;
  telemetry::AccessRecord record;
  record.time_us = wall_us_;
  record.request_id = x_.request_id;
  record.trace_id = x_.trace_id;
  record.client_ip = x_.client_ip;
  record.method = x_.request.method_text;
  record.host = x_.host;
  record.path = sent_path_;
  record.protocol = http::version_text(x_.request.major, x_.request.minor);
  record.status = status;
  record.reason = to_string(x_.reason);
  record.route = x_.route;
  record.service = x_.service;
  record.claims = claims_for_log();
  record.consumer = x_.consumer != nullptr ? std::string_view(x_.consumer->username) : consumer_;
  record.target = report_.target;
  record.bytes_in = call_.stream.body_in();
  record.bytes_out = call_.stream.body_out();
  record.duration_us = duration_us;
  record.upstream_us = upstream_us;
  record.tries = report_.tries;
  if (x_.certificate != nullptr) {
    record.client_subject = x_.certificate->subject;
    record.client_fingerprint = x_.certificate->fingerprint;
  }
  if (x_.grpc) record.grpc_status = http::grpc_status_in(x_.response.fields, x_.grpc_status);
  worker_.log(record);
}

}  // namespace gatehouse::engine
