#include "routing/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "routing/query.h"

namespace gatehouse::routing {
namespace {

using Kind = config::ValueMatch::Kind;

ValueTest value_test(const config::NamedMatch& match, http::FieldId id) {
  ValueTest test{match.name, id, match.match.kind, match.match.values, nullptr};
  if (test.kind == Kind::regex) test.regex = std::make_unique<Regex>(match.match.regex);
  return test;
}

/// Calls visit(field) for each line of that name until it gives true; whether one did.
template <class Visit>
bool any_line(const ValueTest& test, const http::Fields* fields, Visit&& visit) {
  if (fields == nullptr || !fields->may_have(test.id)) return false;
  for (const http::Field& field : *fields) {
    if (field.removed || field.id != test.id) continue;
    if (test.id == http::FieldId::other && !http::equal_names(field.name, test.name)) continue;
    if (visit(field)) return true;
  }
  return false;
}

/// Calls visit(text) for each value of that part of a certificate until it gives true; whether one did.
template <class Visit>
bool any_part(const ValueTest& test, const PeerCertificate* certificate, Visit&& visit) {
  if (certificate == nullptr) return false;
  if (test.name == "subject") return visit(std::string_view(certificate->subject));
  if (test.name == "fingerprint") return visit(std::string_view(certificate->fingerprint));
  std::string_view rest = certificate->names;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (visit(rest.substr(0, comma))) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

/// "v1" is not "v2"
std::string value_failure(const ValueTest& test, std::string_view value) {
  switch (test.kind) {
    case Kind::one_of:
      if (test.values.size() == 1) return fmt::format("\"{}\" is not \"{}\"", value, test.values.front());
      return fmt::format("\"{}\" is not one of \"{}\"", value, fmt::join(test.values, "\", \""));
    case Kind::regex:
      return fmt::format("\"{}\" does not match {}", value, test.regex->pattern());
    case Kind::present:
      return "is absent";
    case Kind::absent:
      return "is present";
  }
  return {};
}

std::string header_failure(const ValueTest& test, const http::Fields* fields) {
  const http::Field* first = nullptr;
  any_line(test, fields, [&](const http::Field& field) {
    first = &field;
    return true;
  });
  if (first == nullptr) return fmt::format("header {}: is absent", test.name);
  return fmt::format("header {}: {}", first->name, value_failure(test, first->value));
}

std::string query_failure(const ValueTest& test, std::string_view query) {
  std::string value;
  const bool present = any_parameter(query, test.name, [&](std::string_view raw) {
    value = decode_value(raw);
    return true;
  });
  if (!present) return fmt::format("query {}: is absent", test.name);
  return fmt::format("query {}: {}", test.name, value_failure(test, value));
}

std::string certificate_failure(const ValueTest& test, const PeerCertificate* certificate) {
  if (certificate == nullptr) return fmt::format("client_cert {}: the client showed no certificate", test.name);
  std::string_view value = test.name == "subject"       ? certificate->subject
                           : test.name == "fingerprint" ? certificate->fingerprint
                                                        : certificate->names;
  if (test.name == "san" && value.empty()) return "client_cert san: is absent";
  return fmt::format("client_cert {}: {}", test.name, value_failure(test, value));
}

/// Whether the values that `any` goes through satisfy the test.
template <class Any>
bool values_match(const ValueTest& test, Any&& any) {
  switch (test.kind) {
    case Kind::one_of:
      return any([&](std::string_view value) {
        return std::find(test.values.begin(), test.values.end(), value) != test.values.end();
      });
    case Kind::regex:
      return any([&](std::string_view value) { return test.regex->full_match(value); });
    case Kind::present:
      return any([](std::string_view) { return true; });
    case Kind::absent:
      return !any([](std::string_view) { return true; });
  }
  return false;
}

}  // namespace

bool header_matches(const ValueTest& test, const http::Fields* fields) {
  return values_match(test, [&](auto&& visit) {
    return any_line(test, fields, [&](const http::Field& field) { return visit(field.value); });
  });
}

/// Upgrade is taken out of the fields before routing, since it belongs to the connection.
bool upgrade_matches(const ValueTest& test, std::string_view upgrade) {
  return values_match(test, [&](auto&& visit) { return !upgrade.empty() && visit(upgrade); });
}

bool certificate_matches(const ValueTest& test, const PeerCertificate* certificate) {
  return values_match(test, [&](auto&& visit) { return any_part(test, certificate, visit); });
}

bool query_matches(const ValueTest& test, std::string_view query) {
  switch (test.kind) {
    case Kind::one_of:
      return any_parameter(query, test.name, [&](std::string_view raw) {
        return std::any_of(test.values.begin(), test.values.end(),
                           [&](const std::string& value) { return decodes_to(raw, value); });
      });
    case Kind::regex:
      return any_parameter(query, test.name, [&](std::string_view raw) {
        return with_decoded(raw, [&](std::string_view value) { return test.regex->full_match(value); });
      });
    case Kind::present:
      return any_parameter(query, test.name, [](std::string_view) { return true; });
    case Kind::absent:
      return !any_parameter(query, test.name, [](std::string_view) { return true; });
  }
  return false;
}

Conditions::Conditions(const config::Model& model, const config::Route& route)
    : scheme_(route.scheme),
      any_listener_(route.listeners.empty()),
      method_names_(route.methods),
      clients_(route.clients) {
  if (!route.methods.empty()) {
    methods_ = 0;
    for (const std::string& name : route.methods) {
      const http::Method method = http::parse_method(name);
      methods_ |= bit(method);
      if (method == http::Method::get) methods_ |= bit(http::Method::head);
      if (method == http::Method::other) other_methods_.push_back(name);
    }
  }
  for (std::size_t i = 0; i < model.listeners.size(); ++i) {
    const auto& names = route.listeners;
    if (std::find(names.begin(), names.end(), model.listeners[i].name) != names.end()) {
      listeners_.push_back(static_cast<std::uint16_t>(i));
    }
  }
  for (const config::NamedMatch& match : route.headers) {
    headers_.push_back(value_test(match, http::field_id(match.name)));
  }
  for (const config::NamedMatch& match : route.query) query_.push_back(value_test(match, http::FieldId::other));
  for (const config::NamedMatch& match : route.client_cert)
    certificate_.push_back(value_test(match, http::FieldId::other));
  trivial_ = any_listener_ && other_methods_.empty() && count() == 0;
}

std::uint32_t Conditions::count() const {
  return static_cast<std::uint32_t>(headers_.size() + query_.size() + certificate_.size()) +
         (clients_.empty() ? 0 : 1) + (scheme_ == config::SchemeMatch::any ? 0 : 1);
}

bool Conditions::method_matches(const Request& request) const {
  if ((methods_ & bit(request.method)) == 0) return false;
  if (request.method != http::Method::other || method_names_.empty()) return true;
  return std::find(other_methods_.begin(), other_methods_.end(), request.method_text) != other_methods_.end();
}

bool Conditions::scheme_matches(const Request& request) const {
  return scheme_ == config::SchemeMatch::any || (scheme_ == config::SchemeMatch::https) == request.https;
}

bool Conditions::client_matches(const Request& request) const {
  return clients_.empty() || std::any_of(clients_.begin(), clients_.end(),
                                         [&](const Cidr& block) { return block.contains(request.client); });
}

bool Conditions::listener_matches(const Request& request) const {
  return any_listener_ || std::find(listeners_.begin(), listeners_.end(), request.listener) != listeners_.end();
}

bool Conditions::header_holds(const ValueTest& test, const Request& request) {
  return test.id == http::FieldId::upgrade ? upgrade_matches(test, request.upgrade)
                                           : header_matches(test, request.fields);
}

bool Conditions::matches(const Request& request) const {
  return scheme_matches(request) && listener_matches(request) && client_matches(request) &&
         std::all_of(headers_.begin(), headers_.end(),
                     [&](const ValueTest& test) { return header_holds(test, request); }) &&
         std::all_of(query_.begin(), query_.end(),
                     [&](const ValueTest& test) { return query_matches(test, request.query); }) &&
         std::all_of(certificate_.begin(), certificate_.end(),
                     [&](const ValueTest& test) { return certificate_matches(test, request.certificate); });
}

std::string Conditions::failure(const Request& request, const std::vector<std::string>& listener_names) const {
  if (!method_matches(request)) {
    return method_names_.size() == 1
               ? fmt::format("method: {} is not {}", request.method_text, method_names_.front())
               : fmt::format("method: {} is not one of {}", request.method_text, fmt::join(method_names_, ", "));
  }
  if (!scheme_matches(request)) {
    return request.https ? "scheme: https is not http" : "scheme: http is not https";
  }
  const auto listener_name = [&](std::uint16_t index) {
    return index < listener_names.size() ? listener_names[index] : std::to_string(index);
  };
  if (!listener_matches(request)) {
    std::string wanted;
    for (const std::uint16_t index : listeners_) wanted += (wanted.empty() ? "" : ", ") + listener_name(index);
    return fmt::format("listener: {} is not one of {}", listener_name(request.listener), wanted);
  }
  if (!client_matches(request)) {
    std::string wanted;
    for (const Cidr& block : clients_) wanted += (wanted.empty() ? "" : ", ") + block.text();
    return fmt::format("client: {} is not in {}", request.client.text(), wanted);
  }
  for (const ValueTest& test : headers_) {
    if (header_holds(test, request)) continue;
    if (test.id != http::FieldId::upgrade) return header_failure(test, request.fields);
    if (request.upgrade.empty()) return "header upgrade: is absent";
    return fmt::format("header upgrade: {}", value_failure(test, request.upgrade));
  }
  for (const ValueTest& test : query_) {
    if (!query_matches(test, request.query)) return query_failure(test, request.query);
  }
  for (const ValueTest& test : certificate_) {
    if (!certificate_matches(test, request.certificate)) return certificate_failure(test, request.certificate);
  }
  return {};
}

}  // namespace gatehouse::routing
