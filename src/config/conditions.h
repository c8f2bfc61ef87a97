#pragma once
#include "config/options.h"

namespace gatehouse::config {

/// The kinds of a route's conditions.
Value<std::vector<NamedMatch>> named_matches(bool headers);
/// Conditions on the certificate that a client showed: `subject`, `san` and `fingerprint` (PeerCertificate).
Value<std::vector<NamedMatch>> certificate_matches();
/// "api.example.com", "*.example.com", an address; in lower case.
Value<std::string> host_pattern();
/// In upper case.
Value<std::string> method();
Value<PathPattern> path_pattern();

/// A route's own timeouts: what is not written is the service's.
const Options<Timeouts>& route_timeouts();

}  // namespace gatehouse::config
