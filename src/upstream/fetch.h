#pragma once
#include <expected>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "config/http_url.h"
#include "io/reactor.h"
#include "io/resolver.h"
#include "io/tls_client.h"

namespace gatehouse::upstream {

/// A GET of the gateway's own.
struct FetchRequest {
  config::HttpUrl url;
  std::shared_ptr<const io::TlsClient> tls;  ///< of an https URL
  TimePoint deadline = kNever;
  std::size_t max_size = 1024 * 1024;
};

struct Fetched {
  std::string body;
  std::string cache_control;  ///< all lines, joined by ", "
  std::string age;
};

/// Fetches a document: status 200 and a whole body, or an error in words. Redirections are errors: a URL in the
/// configuration is the place itself. The reactor's thread; `request` lives until it ends.
Task<std::expected<Fetched, std::string>> fetch(io::Reactor& reactor, io::Resolver& resolver, Scope& scope,
                                                const FetchRequest& request);

}  // namespace gatehouse::upstream
