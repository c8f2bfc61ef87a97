#pragma once
#include <optional>
#include <string>

#include "config/loader.h"
#include "io/tls_rules.h"

namespace gatehouse::engine {

/// What is written under `path` ("listeners[0].tls"), which both sides of TLS have alike. Null where a name is faulty,
/// which is reported.
std::optional<io::TlsRules> make_tls_rules(const config::TlsRules& written, const std::string& path,
                                           config::Diagnostics& out);

}  // namespace gatehouse::engine
