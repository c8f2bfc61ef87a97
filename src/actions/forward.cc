#include "actions/forward.h"

#include <algorithm>

#include "http/grpc.h"

namespace gatehouse::actions {

using http::Io;
using plugin::Direction;
using plugin::Verdict;

namespace {

constexpr int kMostInterim = 32;  ///< 1xx responses before the final one

}  // namespace

TimePoint Forward::until_after(Duration after) const {
  return std::min(deadline_after(scope_.scheduler().now(), after), total_);
}

/// How long the client gives a gRPC call.
Duration Forward::grpc_timeout() const {
  return http::parse_grpc_timeout(x_.request.fields.get("grpc-timeout")).value_or(kOff);
}

Task<void> Forward::run(std::string_view target) {
  streaming_ = x_.grpc;
  total_ = deadline_after(scope_.scheduler().now(), streaming_ ? grpc_timeout() : timeouts_.total);
  if (x_.request.framing.has_body() && x_.buffers_request_body()) {
    if (!co_await collect_request()) co_return;
  } else if (x_.request.framing.has_body()) {
    const Io io = client_.expects_continue() ? Io::blocked : client_.read_body(first_);
    if (io == Io::failed) {
      give_up(client_.error());
      co_return;
    }
    has_first_ = io == Io::done;
    request_bytes_ = first_.data.size();
    if (request_bytes_ > x_.max_request_body) {
      x_.refuse(Reason::body_too_large);
      co_return;
    }
    // Before a service is asked: observers see it whatever becomes of the tries.
    if (has_first_) observe(Direction::request, first_, client_.trailers());
  } else {
    first_.last = has_first_ = true;
  }
  for (bool fresh = false;; fresh = true) {
    report_.started = scope_.scheduler().now();
    upstream::Cluster::Choice choice;
    upstream::Lease lease = fresh ? upstream::Lease() : cluster_.try_reuse(x_.worker, choice);
    if (!lease) {
      Result<upstream::Lease> acquired =
          co_await cluster_.acquire(x_.worker, choice, {timeouts_.connect, total_}, scope_, fresh);
      if (!acquired) {
        ++report_.tries;
        give_up(acquired.error());
        co_return;
      }
      lease = std::move(*acquired);
    }
    ++report_.tries;
    // A copy: while the answer is on its way the address may go out of use, and the text with it.
    report_.target = x_.arena.copy(lease.endpoint().text());
    http::ClientStream& service = lease.begin(x_.arena, x_.request.method);
    if (!chain_.attempt().empty()) {
      plugin::Attempt attempt{report_.target, static_cast<int>(report_.tries)};
      for (const plugin::Plugin* plugin : chain_.attempt()) plugin->on_attempt(x_, attempt);
    }
    const Step step = co_await exchange_heads(service, target);
    if (step == Step::go_on && x_.response.status == 101) {
      co_await upgrade(service);
      if (!x_.replied) x_.response.fields.clear();
      lease_ = std::move(lease);
      co_return;
    }
    if (step == Step::go_on) {
      co_await pump_response(service);
      upload_.stop();
      if (!x_.replied) {
        // The connection goes back, and what lies in its buffers with it.
        x_.response.fields.clear();
        x_.response.reason = {};
      }
      co_return;
    }
    upload_.stop();
    if (step == Step::ended) co_return;
  }
}

bool Forward::may_retry(const Error& error, const http::ClientStream& service) const {
  if (report_.tries > 1 || first_used_up_ || scope_.cancelled()) return false;
  if (error.retry == RetrySafety::yes) return true;
  return service.reused() && error.retry == RetrySafety::if_reused && http::is_idempotent(x_.request.method);
}

Forward::Step Forward::on_error(const Error& error, const http::ClientStream& service) {
  return may_retry(error, service) ? Step::retry : give_up(error);
}

/// Nothing has gone to the client: it gets the error as an answer.
Forward::Step Forward::give_up(const Error& error) {
  report_.detail = error.detail;
  report_.sys = error.sys;
  x_.refuse(error.reason == Reason::none ? Reason::internal : error.reason,
            error.source == Source::downstream ? std::string_view(error.detail) : std::string_view());
  return Step::ended;
}

/// Part of the response is with the client: only a cut connection tells it that the rest is missing.
void Forward::break_off(const Error& error) {
  report_.detail = error.detail;
  report_.sys = error.sys;
  x_.reason = error.reason;
  client_.reset();
}

Task<Forward::Step> Forward::exchange_heads(http::ClientStream& service, std::string_view target) {
  Io may = x_.request.upgrade.empty() ? Io::done : service.takes_upgrade();
  while (may == Io::blocked) {
    const Outcome outcome = co_await until(service.readable(), scope_, until_after(timeouts_.connect));
    if (outcome == Outcome::cancelled) co_return give_up({scope_.reason(), Source::downstream});
    if (outcome == Outcome::timeout) {
      co_return give_up(Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0,
                              "the service did not say in time whether it changes protocols"});
    }
    may = service.takes_upgrade();
  }
  if (may == Io::failed) co_return on_error(service.error(), service);
  const bool with_trailers = first_.last && client_.trailers().size() != 0;
  Io io = service.write_head(x_.request, target, first_.data, first_.last && !with_trailers);
  if (io == Io::failed) co_return on_error(service.error(), service);
  progress_ = scope_.scheduler().now();
  upload_failed_ = false;
  // A service may answer before it has read the request, and for as long as it likes.
  if (io == Io::blocked || !first_.last || with_trailers) upload_.start(pump_request(service, io));

  for (int interim = 0;;) {
    io = service.read_head(x_.response);
    if (io == Io::done) {
      if (x_.response.status >= 200 || x_.response.status == 101) break;
      if (++interim > kMostInterim) {
        co_return give_up({Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0,
                           "the service sends interim responses without end"});
      }
      http::remove_hop_by_hop(x_.response.fields);
      Io out = client_.write_informational(x_.response);
      while (out == Io::blocked) {
        if (co_await until(client_.writable(), scope_, until_after(client_patience())) != Outcome::ready) {
          co_return give_up(
              {Reason::client_closed, Source::downstream, RetrySafety::no, 0, "the client does not read"});
        }
        out = client_.flush();
      }
      if (out == Io::failed) co_return give_up(client_.error());
      continue;
    }
    if (io == Io::failed) co_return on_error(service.error(), service);
    if (upload_failed_) co_return give_up(upload_error_);  // it may have failed while nobody waited here
    // The read timeout runs from the last part of the request: a long upload is no silence.
    const TimePoint deadline = std::min(deadline_after(progress_, read_patience()), total_);
    const Outcome outcome = co_await until(service.readable(), scope_, deadline);
    if (outcome == Outcome::cancelled) co_return give_up({scope_.reason(), Source::downstream});
    if (upload_failed_) co_return give_up(upload_error_);
    if (outcome == Outcome::timeout &&
        scope_.scheduler().now() >= std::min(deadline_after(progress_, read_patience()), total_)) {
      if (upload_.running() && scope_.scheduler().now() < total_) {
        // The request is still on its way: its own time limits watch over it.
        progress_ = scope_.scheduler().now();
        continue;
      }
      service.fell_silent();
      co_return give_up(
          Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0, "the service did not answer in time"});
    }
  }
  if (const char* fault = fault_of_switch()) {
    co_return give_up({Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0, fault});
  }
  report_.headed = scope_.scheduler().now();
  co_return Step::go_on;
}

/// Why the answer does not fit what the request asked for, or null.
const char* Forward::fault_of_switch() const {
  if (x_.response.status == 101) {
    const bool same = http::equal_names(x_.response.fields.get(http::FieldId::upgrade), x_.request.upgrade);
    return same ? nullptr : "the service changed to another protocol than it was asked for";
  }
  const bool wanted = x_.request.extended_connect && x_.response.status / 100 == 2;
  return wanted ? "the service did not change the protocol" : nullptr;
}

Task<void> Forward::upgrade(http::ClientStream& service) {
  prepare_response_head(service);
  for (const plugin::Plugin* plugin : chain_.response()) {
    Verdict verdict = plugin->on_response(x_);
    if (verdict == Verdict::suspend) verdict = co_await plugin->on_response_async(x_);
    if (verdict == Verdict::reply) co_return;
  }
  Io io = client_.write_upgrade(x_.response, x_.request.upgrade);
  while (io == Io::blocked) {
    if (co_await until(client_.writable(), scope_, until_after(client_patience())) != Outcome::ready) {
      break_off({Reason::client_closed, Source::downstream});
      co_return;
    }
    io = client_.flush();
  }
  if (io == Io::failed) {
    break_off(client_.error());
  } else {
    service_ = &service;
  }
}

}  // namespace gatehouse::actions
