#pragma once
#include <cstdint>
#include <expected>
#include <string_view>

namespace gatehouse {

/// Why an exchange did not get the answer it asked for. The words (see to_string) are stable: they are the value of
/// `x-gatehouse-error`, of `reason` in the access log and of the label of `gatehouse_errors_total`.
enum class Reason : std::uint8_t {
  none,
  bad_request,
  unauthenticated,
  forbidden,
  no_route,
  method_not_allowed,
  client_timeout,
  body_too_large,
  uri_too_long,
  rate_limited,
  head_too_large,
  internal,
  policy_error,
  upstream_connect,
  upstream_reset,
  upstream_protocol,
  upstream_tls,
  transform_failed,
  no_healthy_target,
  circuit_open,
  overloaded,
  draining,
  upstream_connect_timeout,
  upstream_timeout,
  client_closed,  ///< log only: the client went away before the answer was complete
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::client_closed) + 1;

/// The stable word for `reason`, "" for none.
std::string_view to_string(Reason reason);

/// The HTTP status with which the gateway answers `reason`; 499 for client_closed, 200 for none.
int status_of(Reason reason);

/// Whose fault an error is, as seen from the gateway.
enum class Source : std::uint8_t { internal, downstream, upstream };

/// Whether the request that met the error may be sent again on another connection.
enum class RetrySafety : std::uint8_t {
  no,         ///< part of it may have been processed
  if_reused,  ///< only if the connection had served a request before: the peer may just have closed it
  yes,        ///< nothing of it was written
};

/// A failure on the data path: small, trivially copyable, no allocation.
struct Error {
  Reason reason = Reason::internal;
  Source source = Source::internal;
  RetrySafety retry = RetrySafety::no;
  int sys = 0;              ///< errno, 0 where there is none
  const char* detail = "";  ///< a string literal: what happened, for the log and for 400 bodies
};

template <class T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(error);
}

}  // namespace gatehouse
