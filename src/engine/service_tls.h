#pragma once
#include <memory>

#include "config/loader.h"
#include "io/tls_client.h"

namespace gatehouse::engine {

/// How TLS is spoken to a service, from its files as they are now. Null where it speaks none, and where a file cannot
/// be used, which is reported at the place that names it. `index` is the service's, for the path in reports.
std::shared_ptr<const io::TlsClient> make_tls(const config::Service& service, std::size_t index,
                                              config::Diagnostics& out);

/// The same of the gateway's Redis.
std::shared_ptr<const io::TlsClient> make_tls(const config::Redis& redis, config::Diagnostics& out);

/// Those with the same key share what make_tls() has made: it tells one way of speaking TLS from another, as its files
/// are now.
std::string tls_key(const config::ServiceTls& tls, bool http2);

/// Whom a connection to `target` asks for and verifies.
std::string tls_host(const config::Service& service, const config::Target& target);

}  // namespace gatehouse::engine
