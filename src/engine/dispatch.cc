#include "engine/dispatch.h"

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "base/number.h"
#include "engine/error_document.h"
#include "http/date.h"
#include "http/grpc.h"

namespace gatehouse::engine {

using http::FieldId;

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
  std::transform(text.begin(), text.end(), to,
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {to, text.size()};
}

}  // namespace

routing::Request routing_request(const plugin::Exchange& x, std::uint16_t listener) {
  routing::Request request;
  request.host = x.host;
  request.path = x.path;
  request.method = x.preflight ? http::parse_method(x.method) : x.request.method;
  request.method_text = x.method;
  request.fields = &x.request.fields;
  request.query = x.request.query;
  request.client = x.client_ip;
  request.https = x.https;
  request.listener = listener;
  request.upgrade = x.request.upgrade;
  request.certificate = x.certificate;
  return request;
}

void Dispatch::route(plugin::Exchange& x, std::uint16_t listener, Random& random) {
  const std::vector<config::Listener>& listeners = snapshot_->model().listeners;
  listener_ = listener;
  if (listener < listeners.size()) limits_ = &listeners[listener].limits;
  if (!prepare(x)) return;
  found_ = snapshot_->router->match(routing_request(x, listener), captures_);
  if (!found_.found()) {
    refuse_unrouted(x);
    return;
  }
  route_ = &snapshot_->routes[found_.route];
  x.route = route_->source->name;
  x.max_request_body = route_->max_body.value_or(limits_->max_body);
  choose_destination(x, random);
  if (destination_->service == nullptr) {
    answer_without_service(x);
    return;
  }
  x.service = destination_->service->name;
  set_forward_path(x);
  set_host(x);
  const http::Framing& framing = x.request.framing;
  if (framing.kind == http::Framing::Kind::length && framing.length > x.max_request_body) {
    x.refuse(Reason::body_too_large);
  }
  if (x.request.method == http::Method::options) count_hop(x);
  if (!x.request.upgrade.empty()) check_upgrade(x);
}

/// What the client wants to change to must be allowed here. If it is not, the request is one like any other (RFC 9110
/// section 7.8); HTTP/2's way has nothing of the kind.
void Dispatch::check_upgrade(plugin::Exchange& x) const {
  const config::Route& route = *route_->source;
  const std::string_view name = x.request.upgrade;
  const bool allowed =
      name == "websocket" ? route.websocket : std::ranges::find(route.upgrades, name) != route.upgrades.end();
  if (allowed) return;
  x.request.upgrade = {};
  if (x.request.extended_connect) x.refuse(Reason::method_not_allowed);
}

/// RFC 9110 section 7.6.2: OPTIONS asks whoever Max-Forwards hops away are.
void Dispatch::count_hop(plugin::Exchange& x) {
  http::Field* const field = x.request.fields.find("Max-Forwards");
  if (field == nullptr) return;
  const auto hops = parse_number<std::uint32_t>(field->value);
  if (!hops) return;
  if (*hops == 0) {
    x.reply(204, {}, {});
    x.response.framing = {};
    return;
  }
  char* const room = static_cast<char*>(x.arena.allocate(10, 1));
  field->value = {room, static_cast<std::size_t>(std::to_chars(room, room + 10, *hops - 1).ptr - room)};
}

/// Fills in what routes are matched by. False: there is nothing to match, and the answer is there.
bool Dispatch::prepare(plugin::Exchange& x) const {
  using http::Method;
  const http::RequestHead& request = x.request;
  x.host = lower_case(http::host_of(request.authority), x.arena);
  x.forward_path = request.path;
  x.forward_query = request.query;
  if (request.method == Method::trace || request.method == Method::connect) {
    x.refuse(Reason::method_not_allowed);
    x.response.fields.append("Allow", "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    return false;
  }
  if (request.form == http::TargetForm::asterisk) {
    x.reply(204, {}, {});
    x.response.framing = {};
    return false;
  }
  const Result<http::NormalisedPath> normal = http::normalise_path(request.path, x.arena);
  if (!normal) {
    x.refuse(Reason::bad_request, normal.error().detail);
    return false;
  }
  x.path = normal->path;
  if (normal->segments_changed) x.forward_path = normal->path;
  x.grpc = request.major == 2 && http::is_grpc(request.fields.get(FieldId::content_type));
  const std::string_view asked = request.fields.get(FieldId::access_control_request_method);
  x.preflight = request.method == Method::options && !asked.empty() && request.fields.has(FieldId::origin);
  if (x.preflight) x.method = asked;
  return true;
}

void Dispatch::refuse_unrouted(plugin::Exchange& x) const {
  if (found_.allowed_methods == 0) {
    x.refuse(Reason::no_route);
    return;
  }
  std::string_view allowed;
  const auto add = [&](std::string_view name) {
    allowed = allowed.empty() ? name : x.arena.concat(allowed, ", ", name);
  };
  using http::Method;
  for (std::size_t i = 0; i < http::kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    const bool never = method == Method::trace || method == Method::connect || method == Method::other;
    if ((found_.allowed_methods >> i & 1) != 0 && !never) add(http::to_string(method));
  }
  if ((found_.allowed_methods >> static_cast<std::size_t>(Method::other) & 1) != 0) {
    // Which of the methods without a bit of their own it is, only a look at each can tell.
    routing::Request asked = routing_request(x, listener_);
    asked.method = Method::other;
    routing::Captures ignored;
    for (const std::string& name : snapshot_->other_methods) {
      asked.method_text = name;
      if (snapshot_->router->match(asked, ignored).found()) add(name);
    }
  }
  x.refuse(Reason::method_not_allowed);
  x.response.fields.append("Allow", allowed);
}

std::uint32_t Dispatch::sticky_hash(plugin::Exchange& x, Random& random) {
  std::string_view key;
  if (!route_->sticky_header.empty()) key = x.request.fields.get(route_->sticky_header);
  if (!route_->sticky_cookie.empty()) {
    key = cookie_value(x.request.fields, route_->sticky_cookie);
    if (key.empty()) {
      char* const room = static_cast<char*>(x.arena.allocate(16, 1));
      put_hex(room, random.next(), 16);
      key = {room, 16};
      sticky_cookie_ = x.arena.concat(route_->sticky_cookie, "=", key, "; Path=/; HttpOnly; SameSite=Lax");
    }
  }
  if (key.empty()) return random.below(route_->total_weight);
  return static_cast<std::uint32_t>(stable_hash(key) % route_->total_weight);
}

void Dispatch::choose_destination(plugin::Exchange& x, Random& random) {
  destination_ = &route_->destinations.front();
  if (route_->destinations.size() == 1) return;
  std::uint32_t at = sticky_hash(x, random);
  for (const Destination& destination : route_->destinations) {
    if (at < destination.weight) {
      destination_ = &destination;
      return;
    }
    at -= destination.weight;
  }
}

void Dispatch::answer_without_service(plugin::Exchange& x) const {
  if (!route_->redirects.empty()) {
    x.reply(route_->redirect_status, {}, {});
    x.response.fields.append(FieldId::location, "Location", route_->redirects[found_.path].apply(captures_, x.arena));
    return;
  }
  const FixedResponse& fixed = *route_->respond;
  x.reply(fixed.status, fixed.body, {});
  if (fixed.status == 204 || fixed.status == 304) {
    x.response.framing = {};
    x.reply_body = {};
  }
  bool typed = fixed.body.empty();
  for (const auto& [name, value] : fixed.headers) {
    x.response.fields.append(name, value);
    typed = typed || http::field_id(name) == FieldId::content_type;
  }
  if (!typed) x.response.fields.append(FieldId::content_type, "Content-Type", "text/plain; charset=utf-8");
}

void Dispatch::set_forward_path(plugin::Exchange& x) const {
  if (!route_->rewrites.empty() && route_->rewrites[found_.path] != nullptr) {
    // What a rewrite puts together may climb out of the service's base path, or be no path at all.
    const std::string_view rewritten = route_->rewrites[found_.path]->apply(x.path, captures_, x.arena);
    if (rewritten.empty()) {
      x.refuse(Reason::bad_request, "the path has too many places to rewrite");
      return;
    }
    const Result<http::NormalisedPath> normal = http::normalise_path(rewritten, x.arena);
    if (!normal) {
      x.refuse(Reason::bad_request, normal.error().detail);
      return;
    }
    x.forward_path = normal->segments_changed ? normal->path : rewritten;
  } else if (route_->source->strip_path && found_.prefix_length != 0) {
    const std::string_view rest = x.path.substr(found_.prefix_length);
    x.forward_path = rest.empty() ? std::string_view("/") : rest;
  }
}

void Dispatch::set_host(plugin::Exchange& x) const {
  const ServiceRuntime& service = *destination_->service;
  const bool own = route_->source->preserve_host || service.authority.empty();
  x.forward_host = own ? x.request.authority : std::string_view(service.authority);
}

std::string_view Dispatch::finish_head(plugin::Exchange& x) const {
  http::RequestHead& request = x.request;
  if (http::Field* host = request.fields.find(FieldId::host)) {
    host->value = x.forward_host;
  } else {
    request.fields.append(FieldId::host, "Host", x.forward_host);
  }
  const std::string_view base = destination_->service->base_path;
  if (base.empty() && request.form == http::TargetForm::origin && x.forward_path.data() == request.path.data() &&
      x.forward_path.size() == request.path.size() && x.forward_query.data() == request.query.data() &&
      x.forward_query.size() == request.query.size()) {
    return request.target;
  }
  const bool query = !x.forward_query.empty() || (request.has_query && request.query.empty());
  return x.arena.concat(base, x.forward_path, query ? "?" : "", x.forward_query);
}

void Dispatch::finish_reply(plugin::Exchange& x, std::int64_t wall_us) const {
  http::Fields& fields = x.response.fields;
  // To CONNECT a 2xx would say that the protocol has changed.
  if (x.request.extended_connect && x.response.status / 100 == 2) x.refuse(Reason::method_not_allowed);
  if (x.refused()) write_error_document(x, snapshot_->model().error_format);
  if (x.grpc && x.response.status >= 400) write_grpc_error(x);
  if (!sticky_cookie_.empty()) fields.append(FieldId::set_cookie, "Set-Cookie", sticky_cookie_);
  if (!fields.has(FieldId::date)) fields.append(FieldId::date, "Date", x.arena.copy(http::http_date(wall_us)));
}

}  // namespace gatehouse::engine
