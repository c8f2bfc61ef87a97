#pragma once
#include "base/random.h"
#include "config/model.h"
#include "engine/session.h"
#include "plugin/exchange.h"

namespace gatehouse::engine {

/// What a request's head becomes before it is routed: who is calling is decided, fields that a client must not send are
/// gone, and the fields with which the gateway introduces itself to services are in.
///
/// From a peer outside `trusted_proxies` forwarding fields are replaced, else appended to (semantics.md, "Who is calling").
void take_in(plugin::Exchange& exchange, Session& session, const config::Model& model, Random& random);

}  // namespace gatehouse::engine
