#pragma once
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "http/field.h"

namespace gatehouse::http {

// What the gateway knows of gRPC (gRPC over HTTP2, the protocol's own document): how a call is recognised, how long it
// may take, and how it is told of an error.

/// "application/grpc", also with "+proto" or parameters; not gRPC-Web.
bool is_grpc(std::string_view content_type);
/// The value of grpc-timeout: at most 8 digits and a unit of H M S m u n; nothing if it is none.
std::optional<Duration> parse_grpc_timeout(std::string_view text);
/// The grpc-status for an HTTP status that the gateway would have answered with (semantics.md, "Answers that the
/// gateway makes"), as text.
std::string_view grpc_status_of(int http_status);
/// The status of an answer, from its trailers or, where it has nothing else, its head; "" unless it is a number.
std::string_view grpc_status_in(const Fields& head, std::string_view from_trailers);
/// `text` as the value of grpc-message: everything but visible ASCII percent-encoded.
std::string_view grpc_message(std::string_view text, Arena& arena);

}  // namespace gatehouse::http
