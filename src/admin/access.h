#pragma once
#include <optional>
#include <string_view>

#include "engine/local_server.h"

namespace gatehouse::admin {

/// Why `request` may not be answered, or nothing if it may. `open`: the page needs no token.
///
/// With a token: everything but open pages needs `Authorization: Bearer TOKEN`, else 401. A browser adds no such field
/// by itself, so pages of other sites can do nothing.
///
/// Without one the listener is on a loopback address, which keeps other machines out but not the pages that a browser
/// on this machine shows. Two checks stand in for the token:
///   - Host must be a loopback name or address, else 403. A page whose name was made to resolve to 127.0.0.1 (DNS
///     rebinding) could otherwise read the answers as its own; the browser sends that page's name as Host.
///   - A POST whose Origin is not this listener is 403. A browser lets every page send a POST to any address and only
///     withholds the answer (cross-site request forgery); it says where the request comes from in Origin.
std::optional<engine::LocalResponse> refuse_access(const engine::LocalRequest& request, std::string_view token,
                                                   bool open);

/// Whether both are the same, in a time that depends only on the length of `given`.
bool equal_secrets(std::string_view given, std::string_view expected);

/// "localhost", 127.0.0.0/8 or [::1], with or without a port.
bool is_loopback_host(std::string_view host);

}  // namespace gatehouse::admin
