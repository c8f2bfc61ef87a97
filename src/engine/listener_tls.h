#pragma once
#include <memory>

#include "config/loader.h"
#include "io/tls_server.h"

namespace gatehouse::engine {

/// What a listener's clients are shown, from its files as they are now. Null where it speaks no TLS, and where a file
/// cannot be used, which is reported at the place that names it. `index` is the listener's, for the path in reports.
std::shared_ptr<const io::TlsServer> make_tls(const config::Listener& listener, std::size_t index,
                                              config::Diagnostics& out);

/// Tries all listeners' and services' files.
void check_tls(const config::Model& model, config::Diagnostics& out);

}  // namespace gatehouse::engine
