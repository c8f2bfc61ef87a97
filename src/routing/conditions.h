#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/peer_certificate.h"
#include "config/model.h"
#include "routing/regex.h"
#include "routing/router.h"

namespace gatehouse::routing {

inline constexpr std::uint16_t kAllMethods = (1u << http::kMethodCount) - 1;
inline constexpr std::uint16_t bit(http::Method method) {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(method));
}

/// A condition on the values of one header, query parameter or part of a client's certificate.
struct ValueTest {
  std::string name;  ///< a header's in lower case
  http::FieldId id = http::FieldId::other;
  config::ValueMatch::Kind kind = config::ValueMatch::Kind::one_of;
  std::vector<std::string> values;
  std::unique_ptr<Regex> regex;
};

/// What a route asks for besides host and path, compiled. Immutable.
class Conditions {
 public:
  explicit Conditions(const config::Model& model, const config::Route& route);

  /// Bits of the methods that may match: of `other` too where methods without a bit of their own are listed.
  std::uint16_t methods() const { return methods_; }
  /// Whether matches() has nothing to look at: no condition at all, or only methods that have a bit.
  bool trivial() const { return trivial_; }
  /// How many header, query, client and scheme conditions there are: what the order counts.
  std::uint32_t count() const;

  /// Whether the request's method is one of the route's.
  bool method_matches(const Request& request) const;
  /// Whether all but the method hold. No allocation, but for a regex over a query value of more than 2 KiB.
  bool matches(const Request& request) const;
  /// "" if the method and all others hold, else the first that does not, as explain prints it.
  std::string failure(const Request& request, const std::vector<std::string>& listener_names) const;

 private:
  static bool header_holds(const ValueTest& test, const Request& request);
  bool client_matches(const Request& request) const;
  bool listener_matches(const Request& request) const;
  bool scheme_matches(const Request& request) const;

  std::uint16_t methods_ = kAllMethods;
  bool trivial_ = true;
  config::SchemeMatch scheme_ = config::SchemeMatch::any;
  bool any_listener_ = true;
  std::vector<std::string> method_names_;   ///< as written
  std::vector<std::string> other_methods_;  ///< those of them that are Method::other
  std::vector<std::uint16_t> listeners_;
  std::vector<Cidr> clients_;
  std::vector<ValueTest> headers_, query_, certificate_;
};

/// Whether a header line, or a parameter of a raw query, satisfies the test. Exposed for tests.
bool header_matches(const ValueTest& test, const http::Fields* fields);
bool query_matches(const ValueTest& test, std::string_view query);
bool certificate_matches(const ValueTest& test, const PeerCertificate* certificate);

}  // namespace gatehouse::routing
