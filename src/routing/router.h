#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/peer_certificate.h"
#include "config/model.h"
#include "http/head.h"
#include "routing/explain.h"

namespace gatehouse::routing {

inline constexpr std::size_t kMaxCaptures = 16;

/// What a route is chosen by. Views need to live only during the call.
struct Request {
  std::string_view host;  ///< lower case, without port; "" if unknown
  std::string_view path;  ///< normalised; "*" never gets here
  http::Method method = http::Method::get;
  std::string_view method_text;
  const http::Fields* fields = nullptr;
  std::string_view query;  ///< raw
  IpAddress client;
  bool https = false;
  std::uint16_t listener = 0;                    ///< index into Model::listeners
  std::string_view upgrade;                      ///< what the client wants to change to, in lower case; "" for nothing
  const PeerCertificate* certificate = nullptr;  ///< the client's, verified; null if it showed none
};

/// Values of a matched path's captures in the order of CompiledRoute's names: views into Request::path, not decoded.
struct Captures {
  std::uint8_t count = 0;
  std::string_view values[kMaxCaptures];
};

/// The answer for one request.
struct Match {
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t route = kNone;      ///< index into Model::routes
  std::uint16_t path = 0;           ///< which of the route's path patterns matched
  std::uint32_t prefix_length = 0;  ///< of a "/*" pattern: bytes of the path before "/*", what strip_path removes
  /// Where no route matched: a bit per http::Method that would have had a route; GET includes HEAD. The bit of `other`
  /// stands for a method that has none of its own, such as PURGE.
  std::uint16_t allowed_methods = 0;
  bool found() const { return route != kNone; }
};

/// The routes of one snapshot, compiled. Immutable; matches from any thread at once, without allocation.
/// Order and meaning: semantics.md, "Matching".
class Router {
 public:
  virtual ~Router() = default;
  /// The first route in the order that matches, its captures in `captures`.
  virtual Match match(const Request& request, Captures& captures) const = 0;
  /// The same decision, with every candidate and the first test that it failed, in order; for `explain`.
  virtual Match explain(const Request& request, Captures& captures, Explanation& explanation) const = 0;
  /// Names of the captures of a route's pattern, in the order of Captures::values.
  virtual const std::vector<std::string>& capture_names(std::uint32_t route, std::uint16_t path) const = 0;
  /// Route indices in the one order.
  virtual std::vector<std::uint32_t> order() const = 0;
};

/// Compiles the native order's matcher. The model has been checked: patterns are valid.
std::unique_ptr<Router> compile(const config::Model& model);

/// Reports two routes with the same conditions (error), routes that can never win because an earlier one matches all
/// they match, and pairs for which only position decides (warnings). Near-linear in the number of routes.
void check_routes(const config::Model& model, config::Diagnostics& diagnostics);

/// "" if `pattern` is a valid RE2 (bounded program size), else the message.
std::string check_regex(std::string_view pattern);
/// "" if `pattern` is a valid PathPattern, else why not; fills the captured names.
std::string check_path(std::string_view pattern, std::vector<std::string>* captures);

/// A compiled RE2 that replaces every match on a path, or a template of captures: a route's `rewrite`.
/// Immutable, any thread.
class PathRewrite {
 public:
  virtual ~PathRewrite() = default;
  /// The new path in the arena; "" where a regex matches more than 64 times. `captures` are those of the match.
  virtual std::string_view apply(std::string_view path, const Captures& captures, Arena& arena) const = 0;
};
/// Null where the route has none. One per path pattern of the route, since templates name its captures.
std::unique_ptr<PathRewrite> compile_rewrite(const config::Rewrite& rewrite,
                                             const std::vector<std::string>& capture_names);
/// "" if compile_rewrite would understand it, else the message: an unknown capture, a bad regex, a group it lacks.
std::string check_rewrite(const config::Rewrite& rewrite, const std::vector<std::string>& capture_names);

/// "https://x/{id}/y": literal text and captures, as in rewrite.path and redirect.location.
class Template {
 public:
  Template() = default;
  Template(std::string_view text, const std::vector<std::string>& capture_names);
  std::string_view apply(const Captures& captures, Arena& arena) const;
  /// "" if every {name} in `text` is one of `names`, else the message.
  static std::string check(std::string_view text, const std::vector<std::string>& names);

 private:
  struct Part {
    std::string literal;
    int capture = -1;  ///< -1: only the literal
  };
  std::vector<Part> parts_;
};

}  // namespace gatehouse::routing
