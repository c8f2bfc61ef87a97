#include "engine/error_document.h"

#include <charconv>

#include "base/json_string.h"
#include "http/grpc.h"

namespace gatehouse::engine {
namespace {

/// `text` as the inside of a JSON string.
std::string_view json_escaped(std::string_view text, Arena& arena) {
  const std::size_t room = text.size() * kMostJsonBytes;
  char* const start = arena.reserve(room);
  const char* const to = put_json_escaped(start, text);
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(room - size);
  return {start, size};
}

}  // namespace

std::string_view sentence_of(Reason reason) {
  switch (reason) {
    case Reason::bad_request:
      return "the request is not valid";
    case Reason::unauthenticated:
      return "authentication is required";
    case Reason::forbidden:
      return "access is not allowed";
    case Reason::no_route:
      return "no route matches this request";
    case Reason::method_not_allowed:
      return "this method is not allowed here";
    case Reason::client_timeout:
      return "the request did not arrive in time";
    case Reason::body_too_large:
      return "the request's body is too large";
    case Reason::uri_too_long:
      return "the request's target is too long";
    case Reason::rate_limited:
      return "too many requests";
    case Reason::head_too_large:
      return "the request's header fields are too large";
    case Reason::upstream_connect:
    case Reason::upstream_reset:
      return "the service could not be reached";
    case Reason::upstream_protocol:
      return "the service's answer is not valid";
    case Reason::upstream_tls:
      return "no secure connection to the service could be made";
    case Reason::transform_failed:
      return "the answer could not be transformed";
    case Reason::no_healthy_target:
      return "the service is not available";
    case Reason::circuit_open:
      return "the service is not available for the moment";
    case Reason::overloaded:
      return "too many requests at once";
    case Reason::draining:
      return "the gateway is shutting down";
    case Reason::upstream_connect_timeout:
    case Reason::upstream_timeout:
      return "the service did not answer in time";
    default:
      return "the gateway failed to answer";
  }
}

void write_error_document(plugin::Exchange& x, config::ErrorFormat format) {
  const std::string_view message = x.refusal_message().empty() ? sentence_of(x.reason) : x.refusal_message();
  const std::string_view text = json_escaped(message, x.arena);
  std::string_view type = "application/json";
  std::string_view body;
  if (!x.refusal_json().empty()) {
    body = x.refusal_json();
  } else if (format == config::ErrorFormat::problem) {
    char digits[8];
    const std::string_view status(
        digits, static_cast<std::size_t>(std::to_chars(digits, digits + 8, x.response.status).ptr - digits));
    type = "application/problem+json";
    body = x.arena.concat("{\"type\":\"about:blank\",\"title\":\"", http::reason_phrase(x.response.status),
                          "\",\"status\":", status, ",\"detail\":\"", text, "\"}\n");
  } else if (format == config::ErrorFormat::kong) {
    body = x.arena.concat("{\"message\":\"", text, "\",\"request_id\":\"", x.request_id, "\"}\n");
  } else {
    body = x.arena.concat("{\"error\":\"", text, "\"}\n");
  }
  x.reply_body = body;
  x.response.framing = {http::Framing::Kind::length, body.size()};
  http::Fields& fields = x.response.fields;
  fields.set(http::FieldId::content_type, "Content-Type", type);
  if (!x.request_id.empty()) fields.set(http::FieldId::x_request_id, "X-Request-ID", x.request_id);
  if (x.reason != Reason::none) fields.set("X-Gatehouse-Error", to_string(x.reason));
}

void write_grpc_error(plugin::Exchange& x) {
  http::Fields& fields = x.response.fields;
  const std::string_view message = !x.refusal_message().empty() ? x.refusal_message()
                                   : x.refused()                ? sentence_of(x.reason)
                                                                : http::reason_phrase(x.response.status);
  fields.set(http::FieldId::content_type, "Content-Type", "application/grpc");
  fields.set("grpc-status", http::grpc_status_of(x.response.status));
  fields.set("grpc-message", http::grpc_message(message, x.arena));
  x.response.status = 200;
  x.response.framing = {};
  x.reply_body = {};
}

}  // namespace gatehouse::engine
