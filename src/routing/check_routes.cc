#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "routing/order.h"
#include "routing/router.h"

namespace gatehouse::routing {
namespace {

constexpr std::size_t kMaxWarnings = 20;
/// Entries of one host and path that are compared with each other; more are compared with these only.
constexpr std::size_t kMaxCompared = 64;

template <class T>
std::vector<T> sorted(std::vector<T> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

std::string text_of(const config::NamedMatch& match) {
  const config::ValueMatch& test = match.match;
  std::string text = fmt::format("{}:{}:", match.name.size(), match.name);
  if (test.kind == config::ValueMatch::Kind::regex) return text + "r" + test.regex;
  if (test.kind == config::ValueMatch::Kind::present) return text + "p";
  if (test.kind == config::ValueMatch::Kind::absent) return text + "a";
  text += "v";
  for (const std::string& value : sorted(test.values)) text += fmt::format("{}:{},", value.size(), value);
  return text;
}

/// A route's conditions but host and path as sorted sets, so that routes written differently compare alike.
struct Narrowing {
  std::vector<std::string> tests;  ///< headers, query parameters and certificates, as text
  std::vector<std::string> clients, listeners, methods;
  config::SchemeMatch scheme = config::SchemeMatch::any;

  explicit Narrowing(const config::Route& route) : listeners(sorted(route.listeners)), scheme(route.scheme) {
    for (const config::NamedMatch& match : route.headers) tests.push_back("h" + text_of(match));
    for (const config::NamedMatch& match : route.query) tests.push_back("q" + text_of(match));
    for (const config::NamedMatch& match : route.client_cert) tests.push_back("c" + text_of(match));
    tests = sorted(std::move(tests));
    for (const Cidr& block : route.clients) clients.push_back(block.text());
    clients = sorted(std::move(clients));
    methods = route.methods;
    // GET includes HEAD, so [GET, HEAD] says no more than [GET].
    if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.push_back("HEAD");
    methods = sorted(std::move(methods));
  }

  bool none() const {
    return tests.empty() && clients.empty() && listeners.empty() && methods.empty() &&
           scheme == config::SchemeMatch::any;
  }

  /// Whether every request that `other` lets pass passes here too. Compares conditions as written: "no" may be wrong
  /// (a regex may contain another), "yes" is not.
  bool covers(const Narrowing& other) const {
    const auto wider = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
      return a.empty() || (!b.empty() && std::includes(a.begin(), a.end(), b.begin(), b.end()));
    };
    return std::includes(other.tests.begin(), other.tests.end(), tests.begin(), tests.end()) &&
           wider(clients, other.clients) && wider(listeners, other.listeners) && wider(methods, other.methods) &&
           (scheme == config::SchemeMatch::any || scheme == other.scheme);
  }

  /// Whether no request can pass both: then position decides nothing between them.
  bool disjoint(const Narrowing& other) const {
    const auto apart = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
      return !a.empty() && !b.empty() && std::none_of(a.begin(), a.end(), [&](const std::string& x) {
        return std::binary_search(b.begin(), b.end(), x);
      });
    };
    return apart(listeners, other.listeners) || apart(methods, other.methods) ||
           (scheme != config::SchemeMatch::any && other.scheme != config::SchemeMatch::any && scheme != other.scheme);
  }
};

/// Whether one is asked to be present, or to have values, that the other excludes, for a header or parameter that a
/// request has once. Repeated ones could satisfy both, which is rare enough not to warn of.
bool values_disjoint(const config::Route& a, const config::Route& b) {
  using Kind = config::ValueMatch::Kind;
  const auto apart = [](const std::vector<config::NamedMatch>& xs, const std::vector<config::NamedMatch>& ys) {
    for (const config::NamedMatch& x : xs) {
      for (const config::NamedMatch& y : ys) {
        if (x.name != y.name) continue;
        if ((x.match.kind == Kind::absent) != (y.match.kind == Kind::absent)) return true;
        if (x.match.kind != Kind::one_of || y.match.kind != Kind::one_of) continue;
        const bool common = std::any_of(x.match.values.begin(), x.match.values.end(), [&](const std::string& value) {
          return std::find(y.match.values.begin(), y.match.values.end(), value) != y.match.values.end();
        });
        if (!common) return true;
      }
    }
    return false;
  };
  return apart(a.headers, b.headers) || apart(a.query, b.query) || apart(a.client_cert, b.client_cert);
}

bool overlap(const Cidr& a, const Cidr& b) {
  const auto network = [](const Cidr& block) {
    const std::string text = block.text();
    return IpAddress::parse(std::string_view(text).substr(0, text.find('/'))).value_or(IpAddress());
  };
  return a.contains(network(b)) || b.contains(network(a));
}

bool clients_disjoint(const config::Route& a, const config::Route& b) {
  return !a.clients.empty() && !b.clients.empty() &&
         std::none_of(a.clients.begin(), a.clients.end(), [&](const Cidr& x) {
           return std::any_of(b.clients.begin(), b.clients.end(), [&](const Cidr& y) { return overlap(x, y); });
         });
}

std::string place(const config::Route& route) {
  const std::string mark = route.mark.text();
  return mark.empty() ? fmt::format("{} ({})", route.name, route.config_path)
                      : fmt::format("{} ({})", route.name, mark);
}

/// The pattern with its captures' names left out: what it matches.
std::string shape_key(const PathShape* shape) {
  if (shape == nullptr) return "-";
  if (shape->kind == PathKind::regex) return "~" + shape->text;
  if (shape->kind == PathKind::exact) return shape->text;
  std::string key;
  for (const Segment& segment : shape->segments) {
    key += segment.kind == Segment::Kind::literal   ? "/" + segment.text
           : segment.kind == Segment::Kind::capture ? std::string("/{}")
                                                    : std::string("/*");
  }
  return key;
}

class Checker {
 public:
  Checker(const config::Model& model, config::Diagnostics& diagnostics)
      : model_(model), diagnostics_(diagnostics), table_(model) {
    narrowing_.reserve(model.routes.size());
    for (const config::Route& route : model.routes) narrowing_.emplace_back(route);
    dead_entries_.resize(model.routes.size(), 0);
    entries_.resize(model.routes.size(), 0);
    shadowed_by_.resize(model.routes.size(), OrderedEntry::kAny);
    for (const OrderedEntry& entry : table_.order) ++entries_[entry.route];
  }

  void run() {
    for (const config::Route& route : model_.routes) check_templates(route);
    check_same();
    for (const OrderedEntry& entry : table_.order) visit(entry);
    for (std::size_t i = 0; i < model_.routes.size(); ++i) {
      if (entries_[i] == dead_entries_[i] && shadowed_by_[i] != OrderedEntry::kAny && !same_.contains(i)) {
        warn(model_.routes[i], fmt::format("can never win: {} matches all that it matches and comes first",
                                           place(model_.routes[shadowed_by_[i]])));
      }
    }
    for (const auto& [later, earlier] : position_decides_) {
      if (entries_[later] == dead_entries_[later]) continue;
      warn(model_.routes[later],
           fmt::format("only its position in the file puts it after {}; give one a priority or another condition",
                       place(model_.routes[earlier])));
    }
    finish();
  }

 private:
  /// What rewrite and redirect name must be captured by every path of the route.
  void check_templates(const config::Route& route) {
    const auto* redirect = std::get_if<config::RedirectAction>(&route.action);
    if (!route.rewrite.set() && redirect == nullptr) return;
    const auto check = [&](const std::vector<std::string>& names, const std::string& of_path) {
      const auto report = [&](const config::Mark& mark, const char* key, std::string message) {
        if (message.ends_with("is not a capture of the path")) {
          message = of_path.empty() ? message.substr(0, message.size() - 12) + ": the route has no path"
                                    : message + " " + of_path;
        }
        if (!message.empty()) {
          diagnostics_.error(mark.line != 0 ? mark : route.mark, route.config_path + key, std::move(message));
        }
      };
      report(route.rewrite.mark, ".rewrite", check_rewrite(route.rewrite, names));
      if (redirect != nullptr) report(route.mark, ".redirect.location", Template::check(redirect->location, names));
    };
    if (route.paths.empty()) check({}, "");
    for (const config::PathPattern& path : route.paths) {
      std::vector<std::string> names;
      if (check_path(path.text, &names).empty()) check(names, path.text);
    }
  }

  /// Two routes with one set of conditions, priority included.
  void check_same() {
    std::unordered_map<std::string, std::uint32_t> seen;
    for (std::uint32_t i = 0; i < model_.routes.size(); ++i) {
      const Narrowing& narrow = narrowing_[i];
      std::vector<std::string> paths;
      for (const PathShape& shape : table_.routes[i].paths) paths.push_back(shape_key(&shape));
      std::string key = fmt::format("{};{};", model_.routes[i].priority, static_cast<int>(narrow.scheme));
      for (const auto& list : {sorted(model_.routes[i].hosts), sorted(std::move(paths)), narrow.tests, narrow.clients,
                               narrow.listeners, narrow.methods}) {
        for (const std::string& text : list) key += fmt::format("{}:{},", text.size(), text);
        key += ';';
      }
      const auto [at, fresh] = seen.try_emplace(std::move(key), i);
      if (fresh) continue;
      same_.insert(i);
      diagnostics_.error(model_.routes[i].mark, model_.routes[i].config_path,
                         fmt::format("route {} has the same conditions as {}", model_.routes[i].name,
                                     place(model_.routes[at->second])));
    }
  }

  /// Looks at an entry after all that come before it in the order. What could match all that it matches has the same
  /// host, or none, and the same path, a "/*" above it, or none: few keys, each with few entries.
  void visit(const OrderedEntry& entry) {
    const std::string* host = table_.host(entry);
    const std::string key = shape_key(table_.path(entry));
    bool dead = false;
    for (const std::string& host_key : wider_hosts(host)) {
      for (const std::string& path_key : wider_paths(table_.path(entry), key)) {
        if (const auto at = earlier_.find(host_key + ' ' + path_key); at != earlier_.end()) {
          for (const OrderedEntry& earlier : at->second) dead = dead || shadows(earlier, entry);
        }
      }
    }
    dead_entries_[entry.route] += dead ? 1 : 0;
    std::vector<OrderedEntry>& same = earlier_[(host == nullptr ? std::string() : *host) + ' ' + key];
    if (!same.empty()) note_position(same, entry);
    if (same.size() < kMaxCompared) same.push_back(entry);
  }

  bool shadows(const OrderedEntry& earlier, const OrderedEntry& entry) {
    if (earlier.route == entry.route || !narrowing_[earlier.route].covers(narrowing_[entry.route])) return false;
    shadowed_by_[entry.route] = earlier.route;
    return true;
  }

  void note_position(const std::vector<OrderedEntry>& same, const OrderedEntry& entry) {
    const RouteInfo& later = table_.routes[entry.route];
    for (const OrderedEntry& each : same) {
      const RouteInfo& earlier = table_.routes[each.route];
      if (each.route == entry.route || earlier.priority != later.priority || earlier.conditions != later.conditions ||
          earlier.has_methods != later.has_methods || same_.contains(entry.route) ||
          narrowing_[each.route].disjoint(narrowing_[entry.route]) ||
          clients_disjoint(model_.routes[each.route], model_.routes[entry.route]) ||
          values_disjoint(model_.routes[each.route], model_.routes[entry.route])) {
        continue;
      }
      position_decides_.try_emplace(entry.route, each.route);
      return;
    }
  }

  static std::vector<std::string> wider_hosts(const std::string* host) {
    std::vector<std::string> keys = {""};
    if (host == nullptr) return keys;
    keys.push_back(*host);
    for (std::size_t dot = host->find('.'); dot != std::string::npos; dot = host->find('.', dot + 1)) {
      std::string wildcard = "*" + host->substr(dot);
      if (wildcard != *host) keys.push_back(std::move(wildcard));
    }
    return keys;
  }

  static std::vector<std::string> wider_paths(const PathShape* path, const std::string& key) {
    std::vector<std::string> keys = {"-"};
    if (path == nullptr) return {"-", "/*"};  // every request's path starts with "/"
    keys.push_back(key);
    if (path->kind == PathKind::regex) {
      if (key != "/*") keys.push_back("/*");
      return keys;
    }
    for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
      std::string prefix = key.substr(0, slash) + "/*";
      if (prefix != key) keys.push_back(std::move(prefix));
    }
    if (!key.ends_with("/*")) keys.push_back(key + "/*");  // /users/* matches /users
    return keys;
  }

  void warn(const config::Route& route, std::string message) {
    ++warnings_;
    if (warnings_ > kMaxWarnings) return;
    diagnostics_.warning(route.mark, route.config_path, fmt::format("route {} {}", route.name, message));
  }

  void finish() {
    if (warnings_ > kMaxWarnings) {
      diagnostics_.warning(
          {}, "routes", fmt::format("and {} more such warnings about the order of routes", warnings_ - kMaxWarnings));
    }
  }

  const config::Model& model_;
  config::Diagnostics& diagnostics_;
  RouteTable table_;
  std::vector<Narrowing> narrowing_;                   ///< by route
  std::vector<std::uint32_t> entries_, dead_entries_;  ///< by route: how many, and how many can never win
  std::vector<std::uint32_t> shadowed_by_;             ///< by route
  std::unordered_set<std::size_t> same_;               ///< routes reported as an error already
  std::unordered_map<std::string, std::vector<OrderedEntry>> earlier_;  ///< by host and path
  std::map<std::uint32_t, std::uint32_t> position_decides_;             ///< later route → an earlier one
  std::size_t warnings_ = 0;
};

}  // namespace

void check_routes(const config::Model& model, config::Diagnostics& diagnostics) {
  Checker(model, diagnostics).run();
}

}  // namespace gatehouse::routing
