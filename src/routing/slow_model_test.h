#pragma once
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "routing/router.h"

namespace gatehouse::routing::test {

/// A request with its own storage, as the tests write it.
struct Ask {
  std::string host = {};
  std::string path = {};
  std::string method = "GET";
  std::string query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string client = "192.0.2.1";
  bool https = false;
  std::uint16_t listener = 0;
};

/// The views of an Ask that a router takes. Refers to the Ask and the arena.
class AskRequest {
 public:
  AskRequest(const Ask& ask, Arena& arena) : fields_(arena) {
    for (const auto& [name, value] : ask.headers) fields_.append(name, value);
    request_.host = ask.host;
    request_.path = ask.path;
    request_.method = http::parse_method(ask.method);
    request_.method_text = ask.method;
    request_.fields = &fields_;
    request_.query = ask.query;
    request_.client = *IpAddress::parse(ask.client);
    request_.https = ask.https;
    request_.listener = ask.listener;
  }
  AskRequest(const AskRequest&) = delete;
  operator const Request&() const { return request_; }

 private:
  http::Fields fields_;
  Request request_;
};

/// semantics.md's sentence, word by word and without regard to speed: which route, path, prefix and captures.
/// Shares no code with the router.
class SlowModel {
 public:
  struct Answer {
    std::optional<std::uint32_t> route;
    std::uint16_t path = 0;
    std::uint32_t prefix = 0;
    std::vector<std::string> captures;
    std::uint16_t allowed = 0;
  };

  explicit SlowModel(const config::Model& model) : model_(model) {}

  Answer ask(const Ask& ask) const {
    std::optional<Way> best;
    Answer answer;
    for (std::size_t i = 0; i < model_.routes.size(); ++i) {
      const config::Route& route = model_.routes[i];
      if (!conditions_hold(route, ask)) continue;
      for (Way& way : ways(i, ask)) {
        if (!method_holds(route, ask.method)) {
          answer.allowed |= method_bits(route);
        } else if (!best || before(way, *best)) {
          best = std::move(way);
        }
      }
    }
    if (best) {
      answer = {static_cast<std::uint32_t>(best->route), best->path, best->prefix, best->captures, 0};
    }
    return answer;
  }

 private:
  enum class Step { literal, capture, end, rest };
  struct Way {  // one route, reached by one of its hosts and one of its paths
    std::size_t route = 0;
    std::size_t host_length = 0;  // of a wildcard
    int host_kind = 2;            // exact, wildcard, none
    int path_kind = 3;            // exact, regex, segments, none
    std::vector<Step> steps = {};
    std::uint16_t path = 0;
    std::size_t host = 0;
    std::uint32_t prefix = 0;
    std::vector<std::string> captures = {};
  };

  bool before(const Way& a, const Way& b) const {
    const config::Route& x = model_.routes[a.route];
    const config::Route& y = model_.routes[b.route];
    if (x.priority != y.priority) return x.priority > y.priority;
    if (a.host_kind != b.host_kind) return a.host_kind < b.host_kind;
    if (a.host_length != b.host_length) return a.host_length > b.host_length;
    if (a.path_kind != b.path_kind) return a.path_kind < b.path_kind;
    for (std::size_t i = 0; i < std::min(a.steps.size(), b.steps.size()); ++i) {
      if (a.steps[i] != b.steps[i]) return a.steps[i] < b.steps[i];
    }
    if (more(x) != more(y)) return more(x) > more(y);
    if (x.methods.empty() != y.methods.empty()) return !x.methods.empty();
    if (a.route != b.route) return a.route < b.route;
    return a.host != b.host ? a.host < b.host : a.path < b.path;
  }

  static std::size_t more(const config::Route& route) {
    std::size_t count = route.headers.size() + route.query.size();
    if (!route.clients.empty()) ++count;
    if (route.scheme != config::SchemeMatch::any) ++count;
    return count;
  }

  std::vector<Way> ways(std::size_t index, const Ask& ask) const {
    const config::Route& route = model_.routes[index];
    std::vector<Way> hosts;
    if (route.hosts.empty()) hosts.push_back(Way{.route = index});
    for (std::size_t i = 0; i < route.hosts.size(); ++i) {
      const std::string& host = route.hosts[i];
      if (host == ask.host) {
        hosts.push_back(Way{.route = index, .host_kind = 0, .host = i});
      } else if (host[0] == '*' && ask.host.size() >= host.size() &&
                 ask.host.compare(ask.host.size() - host.size() + 1, std::string::npos, host, 1) == 0) {
        hosts.push_back(Way{.route = index, .host_length = host.size(), .host_kind = 1, .host = i});
      }
    }
    if (route.paths.empty()) return hosts;
    std::vector<Way> result;
    for (const Way& host : hosts) {
      for (std::size_t i = 0; i < route.paths.size(); ++i) {
        Way way = host;
        way.path = static_cast<std::uint16_t>(i);
        if (path_holds(route.paths[i].text, ask.path, way)) result.push_back(std::move(way));
      }
    }
    return result;
  }

  static bool path_holds(const std::string& pattern, const std::string& path, Way& way) {
    if (pattern[0] == '~') return regex_holds(pattern.substr(1), path, way);
    const std::vector<std::string> want = split(pattern);
    const std::vector<std::string> have = split(path);
    way.path_kind = 0;
    std::size_t length = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (want[i] == "*" && i + 1 == want.size()) {
        way.steps.push_back(Step::rest);
        way.path_kind = 2;
        way.prefix = static_cast<std::uint32_t>(length);
        return true;
      }
      if (i >= have.size()) return false;
      if (want[i].starts_with('{')) {
        if (have[i].empty()) return false;
        way.path_kind = 2;
        way.captures.push_back(have[i]);
        way.steps.push_back(Step::capture);
      } else {
        if (want[i] != have[i]) return false;
        way.steps.push_back(Step::literal);
      }
      length += 1 + have[i].size();
    }
    way.steps.push_back(Step::end);
    return want.size() == have.size();
  }

  static bool regex_holds(const std::string& pattern, const std::string& path, Way& way) {
    const re2::RE2 regex(pattern);
    std::vector<re2::StringPiece> groups(regex.NumberOfCapturingGroups() + 1);
    if (!regex.Match(path, 0, path.size(), re2::RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size()))) {
      return false;
    }
    way.path_kind = 1;
    for (const auto& [group, name] : regex.CapturingGroupNames()) way.captures.push_back(groups[group].as_string());
    return true;
  }

  static std::vector<std::string> split(const std::string& path) {
    std::vector<std::string> segments;
    for (const char c : path) {
      if (c == '/') {
        segments.emplace_back();
      } else {
        segments.back() += c;
      }
    }
    return segments;
  }

  static bool method_holds(const config::Route& route, const std::string& method) {
    const auto has = [&](const char* name) {
      return std::find(route.methods.begin(), route.methods.end(), name) != route.methods.end();
    };
    return route.methods.empty() || has(method.c_str()) || (method == "HEAD" && has("GET"));
  }

  static std::uint16_t method_bits(const config::Route& route) {
    static const std::vector<std::string> kNames = {"GET",   "HEAD",    "POST",  "PUT",    "DELETE",
                                                    "PATCH", "OPTIONS", "TRACE", "CONNECT"};
    std::uint16_t bits = 0;
    for (const std::string& name : route.methods) {
      const auto at = std::find(kNames.begin(), kNames.end(), name) - kNames.begin();
      bits |= 1 << at;
      if (name == "GET") bits |= 2;
    }
    return bits;
  }

  static bool value_holds(const config::ValueMatch& match, const std::vector<std::string>& values) {
    const auto any = [&](auto&& test) { return std::any_of(values.begin(), values.end(), test); };
    switch (match.kind) {
      case config::ValueMatch::Kind::one_of:
        return any(
            [&](const std::string& value) { return std::count(match.values.begin(), match.values.end(), value) != 0; });
      case config::ValueMatch::Kind::regex:
        return any([&](const std::string& value) { return re2::RE2::FullMatch(value, match.regex); });
      case config::ValueMatch::Kind::present:
        return !values.empty();
      case config::ValueMatch::Kind::absent:
        return values.empty();
    }
    return false;
  }

  bool conditions_hold(const config::Route& route, const Ask& ask) const {
    for (const config::NamedMatch& test : route.headers) {
      std::vector<std::string> values;
      for (const auto& [name, value] : ask.headers) {
        std::string lower = name;
        for (char& c : lower) c = static_cast<char>(std::tolower(c));
        if (lower == test.name) values.push_back(value);
      }
      if (!value_holds(test.match, values)) return false;
    }
    for (const config::NamedMatch& test : route.query) {
      if (!value_holds(test.match, parameters(ask.query, test.name))) return false;
    }
    const IpAddress client = *IpAddress::parse(ask.client);
    if (!route.clients.empty() && std::none_of(route.clients.begin(), route.clients.end(),
                                               [&](const Cidr& block) { return block.contains(client); })) {
      return false;
    }
    if (route.scheme == config::SchemeMatch::http && ask.https) return false;
    if (route.scheme == config::SchemeMatch::https && !ask.https) return false;
    return route.listeners.empty() ||
           std::count(route.listeners.begin(), route.listeners.end(), model_.listeners[ask.listener].name) != 0;
  }

  static std::vector<std::string> parameters(const std::string& query, const std::string& name) {
    std::vector<std::string> values;
    std::size_t at = 0;
    while (at < query.size()) {
      const std::size_t end = std::min(query.find('&', at), query.size());
      const std::string parameter = query.substr(at, end - at);
      const std::size_t equals = std::min(parameter.find('='), parameter.size());
      if (!parameter.empty() && decode(parameter.substr(0, equals)) == name) {
        values.push_back(equals == parameter.size() ? "" : decode(parameter.substr(equals + 1)));
      }
      at = end + 1;
    }
    return values;
  }

  static std::string decode(const std::string& text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size() && std::isxdigit(text[i + 1]) && std::isxdigit(text[i + 2])) {
        result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        result += text[i] == '+' ? ' ' : text[i];
      }
    }
    return result;
  }

  const config::Model& model_;
};

}  // namespace gatehouse::routing::test
