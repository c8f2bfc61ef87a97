#pragma once
#include <memory>

#include "config/loader.h"
#include "io/tls_client.h"

namespace gatehouse::engine {

/// How TLS is spoken to a service, from its files as they are now. Null where it speaks none, and where a file cannot
/// be used, which is reported at the place that names it. `index` is the service's, for the path in reports.
std::shared_ptr<const io::TlsClient> make_tls(const config::Service& service, std::size_t index,
                                              config::Diagnostics& out);

/// Whom a connection to `target` asks for and verifies.
std::string tls_host(const config::Service& service, const config::Target& target);

}  // namespace gatehouse::engine
