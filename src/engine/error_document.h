#pragma once
#include "config/model.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// Turns an error into the answer that the client gets: the one place where a Reason becomes a response.
/// Fills `exchange.response`'s body, Content-Type, X-Request-ID and X-Gatehouse-Error for a reply that refuse() began.
void write_error_document(plugin::Exchange& exchange, config::ErrorFormat format);

/// The same for a gRPC call, whatever the reply was before: 200 with a grpc-status instead of a body.
void write_grpc_error(plugin::Exchange& exchange);

/// The sentence that a client reads for `reason` where there is no other.
std::string_view sentence_of(Reason reason);

}  // namespace gatehouse::engine
