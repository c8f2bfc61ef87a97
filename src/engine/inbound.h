#pragma once
#include <span>
#include <string>

#include "base/random.h"
#include "config/model.h"
#include "engine/call.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// What a request's head becomes before it is routed: who is calling is decided, fields that a client must not send are
/// gone, and the fields with which the gateway introduces itself to services are in.
///
/// From a peer outside `trusted_proxies` forwarding fields are replaced, else appended to (semantics.md, "Who is
/// calling").
void take_in(plugin::Exchange& exchange, const Arrival& arrival, const config::Model& model, Random& random);

/// Fields that say who the client is by its certificate: taken out of what it sent, and set where `listener` (an index)
/// is to say so.
void name_client(plugin::Exchange& exchange, const config::Model& model, std::size_t listener);

/// Takes out fields of that name, which the configuration fills from what it knows of the client.
void remove_identity(plugin::Exchange& exchange, std::span<const std::string> names);

/// Whether forwarding fields from `peer` count.
bool is_trusted_proxy(const config::Model& model, const IpAddress& peer);

}  // namespace gatehouse::engine
