#pragma once
#include "config/loader.h"
#include "config/node.h"

namespace gatehouse::config {

/// One document made of a file and what it includes, load-time values put in, `include` and `x-…` taken out. Files that
/// were read are added to `files`. A foreign format is an error.
Node read_documents(const Source& source, std::vector<std::string>& files, Diagnostics& out);

/// "Kong", "Envoy", "OpenAPI", "nginx", or "" for a native file.
std::string foreign_format(const Node& document, std::string_view text);

}  // namespace gatehouse::config
