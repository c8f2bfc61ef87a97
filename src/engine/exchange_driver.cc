#include "engine/exchange_driver.h"

#include <algorithm>
#include <cstdio>

#include "engine/error_document.h"
#include "engine/http_date.h"
#include "engine/inbound.h"

namespace gatehouse::engine {

using http::FieldId;
using http::Io;
using plugin::Verdict;

namespace {

/// FNV-1a: the same choice on every worker and after every restart.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash ^ (hash >> 29);
}

std::string_view cookie_value(const http::Fields& fields, std::string_view name) {
  for (const http::Field& field : fields) {
    if (field.removed || field.id != FieldId::cookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      std::string_view pair = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.substr(0, name.size()) == name) {
        return pair.substr(name.size() + 1);
      }
    }
  }
  return {};
}

std::string_view lower_case(std::string_view text, Arena& arena) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return text;
  char* const to = static_cast<char*>(arena.allocate(text.size(), 1));
  std::transform(text.begin(), text.end(), to, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {to, text.size()};
}

}  // namespace

ExchangeDriver::ExchangeDriver(Worker& worker, Session& session, Arena& arena, http::RequestHead& head)
    : worker_(worker), session_(session), pinned_(worker.current()), x_(arena), wall_us_(wall_clock_us()),
      destination_(&snapshot().nowhere) {
  ++pinned_->pins[worker.index()].count;
  x_.request = head;
  x_.worker = worker.index();
  x_.now = worker.reactor().now();
  x_.method = head.method_text;
  sent_path_ = head.target;
  take_in(x_, session, snapshot().model(), worker.random());
  route();
}

ExchangeDriver::ExchangeDriver(Worker& worker, Session& session, Arena& arena, const Error& error)
    : worker_(worker), session_(session), pinned_(worker.current()), x_(arena), wall_us_(wall_clock_us()),
      destination_(&snapshot().nowhere) {
  ++pinned_->pins[worker.index()].count;
  x_.worker = worker.index();
  x_.now = worker.reactor().now();
  x_.request.method = http::Method::other;
  take_in(x_, session, snapshot().model(), worker.random());
  x_.refuse(error.reason, error.detail);
}

ExchangeDriver::~ExchangeDriver() {
  complete();
  worker_.unpin(pinned_);
}

// ---- routing ----

void ExchangeDriver::route() {
  using http::Method;
  using http::TargetForm;
  const http::RequestHead& request = x_.request;
  x_.host = lower_case(http::host_of(request.authority), x_.arena);
  x_.forward_path = request.path;
  x_.forward_query = request.query;
  if (request.method == Method::trace || request.method == Method::connect) {
    x_.refuse(Reason::method_not_allowed);
    x_.response.fields.append("Allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    return;
  }
  if (request.form == TargetForm::asterisk) {
    x_.reply(204, {}, {});
    x_.response.framing = {};
    return;
  }
  const Result<http::NormalisedPath> normal = http::normalise_path(request.path, x_.arena);
  if (!normal) {
    x_.refuse(Reason::bad_request, normal.error().detail);
    return;
  }
  x_.path = normal->path;
  if (normal->segments_changed) x_.forward_path = normal->path;
  const std::string_view asked = request.fields.get(FieldId::access_control_request_method);
  x_.preflight = request.method == Method::options && !asked.empty() && request.fields.has(FieldId::origin);
  if (x_.preflight) x_.method = asked;

  routing::Match found;
  if (!match(found)) {
    refuse_unrouted(found);
    return;
  }
  route_ = &snapshot().routes[found.route];
  x_.route = route_->source->name;
  x_.max_request_body = x_.max_response_body = route_->max_body;
  choose_destination(*route_);
  if (destination_->service == nullptr) {
    answer_without_service(*route_, found);
    return;
  }
  x_.service = destination_->service->name;
  set_forward_path(*route_, found);
  set_host();
  if (request.framing.kind == http::Framing::Kind::length && request.framing.length > x_.max_request_body) {
    x_.refuse(Reason::body_too_large);
  }
}

bool ExchangeDriver::match(routing::Match& found) {
  routing::Request request;
  request.host = x_.host;
  request.path = x_.path;
  request.method = x_.preflight ? http::parse_method(x_.method) : x_.request.method;
  request.method_text = x_.method;
  request.fields = &x_.request.fields;
  request.query = x_.request.query;
  request.client = x_.client_ip;
  request.https = x_.https;
  request.listener = pinned_->listener_index[session_.listener()];
  found = snapshot().router->match(request, captures_);
  return found.found();
}

void ExchangeDriver::refuse_unrouted(const routing::Match& found) {
  if (found.allowed_methods == 0) {
    x_.refuse(Reason::no_route);
    return;
  }
  char* const room = x_.arena.reserve(96);
  char* to = room;
  for (std::size_t i = 0; i < http::kMethodCount; ++i) {
    if ((found.allowed_methods >> i & 1) == 0 || i == static_cast<std::size_t>(http::Method::other)) continue;
    if (to != room) to = std::copy_n(", ", 2, to);
    const std::string_view name = http::to_string(static_cast<http::Method>(i));
    to = std::copy(name.begin(), name.end(), to);
  }
  x_.arena.take_back(96 - static_cast<std::size_t>(to - room));
  x_.refuse(Reason::method_not_allowed);
  x_.response.fields.append("Allow", {room, static_cast<std::size_t>(to - room)});
}

std::uint32_t ExchangeDriver::sticky_hash(const RouteRuntime& route) {
  std::string_view key;
  if (!route.sticky_header.empty()) key = x_.request.fields.get(route.sticky_header);
  if (!route.sticky_cookie.empty()) {
    key = cookie_value(x_.request.fields, route.sticky_cookie);
    if (key.empty()) {
      char* const room = static_cast<char*>(x_.arena.allocate(16, 1));
      put_hex(room, worker_.random().next(), 16);
      key = {room, 16};
      sticky_cookie_ = x_.arena.concat(route.sticky_cookie, "=", key, "; Path=/; HttpOnly; SameSite=Lax");
    }
  }
  if (key.empty()) return worker_.random().below(route.total_weight);
  return static_cast<std::uint32_t>(stable_hash(key) % route.total_weight);
}

void ExchangeDriver::choose_destination(const RouteRuntime& route) {
  destination_ = &route.destinations.front();
  if (route.destinations.size() == 1) return;
  std::uint32_t at = sticky_hash(route);
  for (const Destination& destination : route.destinations) {
    if (at < destination.weight) {
      destination_ = &destination;
      return;
    }
    at -= destination.weight;
  }
}

void ExchangeDriver::set_forward_path(const RouteRuntime& route, const routing::Match& found) {
  if (!route.rewrites.empty() && route.rewrites[found.path] != nullptr) {
    x_.forward_path = route.rewrites[found.path]->apply(x_.path, captures_, x_.arena);
  } else if (route.source->strip_path && found.prefix_length != 0) {
    const std::string_view rest = x_.path.substr(found.prefix_length);
    x_.forward_path = rest.empty() ? std::string_view("/") : rest;
  }
}

void ExchangeDriver::set_host() {
  const ServiceRuntime& service = *destination_->service;
  const bool own = route_->source->preserve_host || service.authority.empty();
  x_.forward_host = own ? x_.request.authority : std::string_view(service.authority);
}

void ExchangeDriver::answer_without_service(const RouteRuntime& route, const routing::Match& found) {
  if (!route.redirects.empty()) {
    x_.reply(route.redirect_status, {}, {});
    x_.response.fields.append(FieldId::location, "Location", route.redirects[found.path].apply(captures_, x_.arena));
    return;
  }
  const FixedResponse& fixed = *route.respond;
  x_.reply(fixed.status, fixed.body, {});
  if (fixed.status == 204 || fixed.status == 304) {
    x_.response.framing = {};
    x_.reply_body = {};
  }
  bool typed = fixed.body.empty();
  for (const auto& [name, value] : fixed.headers) {
    x_.response.fields.append(name, value);
    typed = typed || http::field_id(name) == FieldId::content_type;
  }
  if (!typed) x_.response.fields.append(FieldId::content_type, "Content-Type", "text/plain; charset=utf-8");
}

// ---- the phases ----

Task<void> ExchangeDriver::run() {
  const bool fixed = x_.replied && route_ != nullptr && destination_->service == nullptr;
  if (route_ != nullptr && (!x_.replied || fixed)) {
    // Request hooks run before a fixed answer too: access rules protect it like any other.
    for (const plugin::Plugin* plugin : destination_->chain.request()) {
      Verdict verdict = plugin->on_request(x_);
      if (verdict == Verdict::suspend) verdict = co_await plugin->on_request_async(x_);
      if (verdict == Verdict::reply) break;
    }
  }
  if (!x_.replied) co_await forward();
  if (x_.replied && !session_.responded()) co_await send_reply();
}

std::string_view ExchangeDriver::service_target() {
  const http::RequestHead& request = x_.request;
  const std::string_view base = destination_->service->base_path;
  if (base.empty() && request.form == http::TargetForm::origin && x_.forward_path.data() == request.path.data() &&
      x_.forward_path.size() == request.path.size() && x_.forward_query.data() == request.query.data() &&
      x_.forward_query.size() == request.query.size()) {
    return request.target;
  }
  const bool query = !x_.forward_query.empty() || (request.has_query && request.query.empty());
  return x_.arena.concat(base, x_.forward_path, query ? "?" : "", x_.forward_query);
}

Task<void> ExchangeDriver::forward() {
  http::Fields& fields = x_.request.fields;
  if (http::Field* host = fields.find(FieldId::host)) {
    host->value = x_.forward_host;
  } else {
    fields.append(FieldId::host, "Host", x_.forward_host);
  }
  const ResolvedTimeouts& times = destination_->timeouts;
  const actions::ForwardTimeouts timeouts{times.connect, times.send,        times.read,
                                          times.total,   times.stream_idle, route_->body_timeout};
  actions::Forward forward(x_, session_, destination_->chain, *destination_->service->cluster, timeouts, session_.scope());
  forward.set_cookie(sticky_cookie_);
  co_await forward.run(service_target());
  report_ = forward.report();
}

Task<void> ExchangeDriver::send_reply() {
  for (const plugin::Plugin* plugin : destination_->chain.response()) {
    const Verdict verdict = plugin->on_response(x_);
    if (verdict == Verdict::suspend) co_await plugin->on_response_async(x_);
  }
  if (x_.refused()) write_error_document(x_, snapshot().model().error_format);
  if (!sticky_cookie_.empty()) x_.response.fields.append(FieldId::set_cookie, "Set-Cookie", sticky_cookie_);
  if (!x_.response.fields.has(FieldId::date)) {
    x_.response.fields.append(FieldId::date, "Date", x_.arena.copy(http_date(wall_us_)));
  }
  session_.settle_request();
  const bool head_only = x_.request.method == http::Method::head;
  const Duration patience = route_ != nullptr ? route_->body_timeout : snapshot().model().limits.body_timeout;
  Io io = session_.write_head(x_.response, x_.reply_body, true, head_only);
  while (io == Io::blocked) {
    const TimePoint deadline = deadline_after(worker_.reactor().now(), patience);
    if (co_await until(session_.writable(), session_.scope(), deadline) != Outcome::ready) {
      session_.reset();
      co_return;
    }
    io = session_.flush();
  }
}

void ExchangeDriver::complete() {
  for (const plugin::Plugin* plugin : destination_->chain.complete()) plugin->on_complete(x_);
  const TimePoint now = worker_.reactor().now();
  const auto micros = [](Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  };
  const std::uint64_t duration_us = micros(now - x_.now);
  const bool asked = report_.tries != 0;
  const std::uint64_t upstream_us =
      asked ? micros((report_.headed != kNever ? report_.headed : now) - report_.started) : UINT64_MAX;
  if (!session_.responded() && x_.reason == Reason::none) x_.reason = Reason::client_closed;
  const int status = session_.responded() ? x_.response.status : status_of(Reason::client_closed);
  if (!session_.responded() && session_.scope().cancelled()) x_.reason = Reason::client_closed;

  telemetry::Series& series = worker_.metrics().series(destination_->series);
  series.count(static_cast<std::uint8_t>(x_.request.method), status, duration_us);
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
  record.protocol = x_.request.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
  record.status = status;
  record.reason = to_string(x_.reason);
  record.route = x_.route;
  record.service = x_.service;
  record.target = report_.target;
  record.bytes_in = session_.body_in();
  record.bytes_out = session_.body_out();
  record.duration_us = duration_us;
  record.upstream_us = upstream_us;
  record.tries = report_.tries;
  worker_.log(record);
}

}  // namespace gatehouse::engine
