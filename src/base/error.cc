#include "base/error.h"

#include <array>

namespace gatehouse {
namespace {

struct Row {
  Reason reason;
  std::string_view word;
  int status;
};

constexpr std::array<Row, kReasonCount> kRows{{
    {Reason::none, "", 200},
    {Reason::bad_request, "bad_request", 400},
    {Reason::unauthenticated, "unauthenticated", 401},
    {Reason::forbidden, "forbidden", 403},
    {Reason::no_route, "no_route", 404},
    {Reason::method_not_allowed, "method_not_allowed", 405},
    {Reason::client_timeout, "client_timeout", 408},
    {Reason::body_too_large, "body_too_large", 413},
    {Reason::uri_too_long, "uri_too_long", 414},
    {Reason::rate_limited, "rate_limited", 429},
    {Reason::head_too_large, "head_too_large", 431},
    {Reason::internal, "internal", 500},
    {Reason::policy_error, "policy_error", 500},
    {Reason::upstream_connect, "upstream_connect", 502},
    {Reason::upstream_reset, "upstream_reset", 502},
    {Reason::upstream_protocol, "upstream_protocol", 502},
    {Reason::upstream_tls, "upstream_tls", 502},
    {Reason::transform_failed, "transform_failed", 502},
    {Reason::no_healthy_target, "no_healthy_target", 503},
    {Reason::circuit_open, "circuit_open", 503},
    {Reason::overloaded, "overloaded", 503},
    {Reason::draining, "draining", 503},
    {Reason::upstream_connect_timeout, "upstream_connect_timeout", 504},
    {Reason::upstream_timeout, "upstream_timeout", 504},
    {Reason::client_closed, "client_closed", 499},
}};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::string_view to_string(Reason reason) {
  return kRows[static_cast<std::size_t>(reason)].word;
}
int status_of(Reason reason) {
  return kRows[static_cast<std::size_t>(reason)].status;
}

}  // namespace gatehouse
