#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "config/decode.h"

namespace gatehouse::config {
namespace {

class Resolver {
 public:
  Resolver(WrittenModel& written, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue, Diagnostics& out)
      : written_(written), tree_(tree), catalogue_(catalogue), out_(out) {}

  Model run() {
    for (const WrittenService& service : written_.written_services) service_names_.push_back(service.name);
    listeners();
    services();
    const Reference& fallback = written_.default_service_reference;
    if (!fallback.name.empty()) {
      service(fallback.name, fallback.mark, "default_service");
      written_.default_service = fallback.name;
    }
    // Before the identity adds one of its own, which is checked where it was written.
    check_plugins(written_.plugins, tree_, catalogue_, out_);
    resolve_identity(written_, tree_, catalogue_, service_names_, out_);
    for (const Service& each : written_.services) {
      if (each.auth) check_authentication(*each.auth, "services." + each.name + ".auth", written_, catalogue_, out_);
    }
    routes();
    find_redis(written_, *tree_, catalogue_, out_);
    check_references(written_, catalogue_, out_);
    check_credentials(written_, catalogue_, out_);
    access_log();
    return std::move(static_cast<Model&>(written_));
  }

 private:
  std::string indexed(const char* list, std::size_t i) { return std::string(list) + "[" + std::to_string(i) + "]"; }

  void unique(std::unordered_map<std::string, Mark>& seen, const std::string& name, const Mark& mark,
              const std::string& path) {
    if (name.empty()) return;
    const auto [first, fresh] = seen.emplace(name, mark);
    if (!fresh) out_.error(mark, path, "the name \"" + name + "\" is taken, first at " + first->second.text());
  }

  void access_log() {
    const AccessLog& log = written_.logging.access;
    if (!log.enabled || !catalogue_.check_access_format) return;
    if (const std::string fault = catalogue_.check_access_format(log.format); !fault.empty())
      out_.error(log.mark, "logging.access.format", fault);
  }

  void listeners() {
    if (written_.written_listeners.empty() && !has_faulty("listeners")) {
      out_.error(tree_->mark(), "listeners", "needs at least one listener", "listeners: [{address: \"0.0.0.0:8080\"}]");
    }
    std::unordered_map<std::string, Mark> names, addresses;
    for (std::size_t i = 0; i < written_.written_listeners.size(); ++i) {
      WrittenListener& listener = written_.written_listeners[i];
      const std::string path = indexed("listeners", i);
      listener.limits = written_.limits;
      if (listener.limits_node) {
        Diagnostics seen_before;
        limits_options().decode(*listener.limits_node, Where(seen_before, "", {}), listener.limits);
      }
      const bool known =
          !listener.address.ip.unspecified() || listener.address.port != 0 || !listener.address.host.empty();
      if (known && listener.name.empty()) listener.name = listener.address.text();
      unique(names, listener.name, listener.mark, path + ".name");
      if (known && (listener.address.port != 0 || listener.address.kind == Address::Kind::unix_path)) {
        const auto [first, fresh] = addresses.emplace(listener.address.text(), listener.mark);
        if (!fresh) {
          out_.error(listener.mark, path + ".address",
                     "the address " + listener.address.text() + " is taken, first at " + first->second.text());
        }
      }
      listener_names_.push_back(listener.name);
      written_.listeners.push_back(listener);
    }
    if (!written_.admin) return;
    for (const Address* address :
         {&written_.admin->address, written_.admin->probes ? &*written_.admin->probes : nullptr}) {
      if (!address || address->port == 0) continue;
      const auto taken = addresses.find(address->text());
      if (taken != addresses.end()) {
        out_.error(written_.admin->mark, "admin",
                   "the address " + address->text() + " is taken, first at " + taken->second.text());
      }
    }
  }

  /// Whether there is something under a key, right or wrong.
  bool has_faulty(const char* key) const {
    const Node* node = tree_->find(key);
    return node && !node->is_null() && !(node->is_sequence() && node->items().empty());
  }

  void services() {
    std::unordered_map<std::string, Mark> names;
    for (std::size_t i = 0; i < written_.written_services.size(); ++i) {
      WrittenService& service = written_.written_services[i];
      unique(names, service.name, service.mark, indexed("services", i) + ".name");
      check_plugins(service.plugins, tree_, catalogue_, out_);
      known_services_.insert(service.name);
      written_.services.push_back(std::move(static_cast<Service&>(service)));
    }
  }

  void service(const std::string& name, const Mark& mark, const std::string& path) {
    if (!known_services_.contains(name))
      out_.error(mark, path, "no service \"" + name + "\"", suggest(name, service_names_));
  }

  void routes() {
    std::unordered_map<std::string, Mark> names;
    written_.routes.reserve(written_.written_routes.size());
    for (WrittenRoute& route : written_.written_routes) {
      if (route.name_given) unique(names, route.name, route.mark, route.config_path + ".name");
    }
    for (WrittenRoute& route : written_.written_routes) {
      if (!route.name_given) name_after_conditions(route, names);
      action(route);
      for (const Reference& listener : route.listener_references) {
        if (listener.name.empty()) continue;  // was no name: has been reported
        route.listeners.push_back(listener.name);
        if (std::ranges::find(listener_names_, listener.name) == listener_names_.end()) {
          out_.error(listener.mark, route.config_path + ".listeners", "no listener \"" + listener.name + "\"",
                     suggest(listener.name, listener_names_));
        }
      }
      certificates(route);
      patterns(route);
      check_plugins(route.plugins, tree_, catalogue_, out_);
      if (route.auth) check_authentication(*route.auth, route.config_path + ".auth", written_, catalogue_, out_);
      written_.routes.push_back(std::move(static_cast<Route&>(route)));
    }
  }

  void certificates(const WrittenRoute& route) {
    const bool asked = std::ranges::any_of(written_.listeners, [&](const Listener& listener) {
      const bool here =
          route.listeners.empty() || std::ranges::find(route.listeners, listener.name) != route.listeners.end();
      return here && listener.tls && listener.tls->client_auth.mode != ClientAuth::none;
    });
    if (!route.client_cert.empty() && !asked)
      out_.warning(route.client_cert.front().mark, route.config_path + ".client_cert",
                   "no listener of this route asks clients for a certificate (tls.client_auth)");
  }

  /// Two routes may have the same conditions with different priorities; the later is numbered.
  void name_after_conditions(WrittenRoute& route, std::unordered_map<std::string, Mark>& names) {
    const std::string base = name_of_conditions(route);
    route.name = base;
    for (int n = 2; !names.emplace(route.name, route.mark).second; ++n)
      route.name = base + " (" + std::to_string(n) + ")";
  }

  void action(WrittenRoute& route) {
    if (route.action_mark.line == 0 && !route.action_mark.file) {
      if (written_.default_service_reference.name.empty()) {
        out_.error(route.mark, route.config_path, "needs one of \"service\", \"split\", \"redirect\" and \"respond\"",
                   "default_service at the top level holds for routes without one");
      }
      route.action = ForwardAction{written_.default_service_reference.name, written_.default_service_reference.mark};
      return;
    }
    if (const auto* forward = std::get_if<ForwardAction>(&route.action); forward && route.forward) {
      service(forward->service, forward->mark, route.config_path + ".service");
    }
    if (const auto* split = std::get_if<SplitAction>(&route.action)) {
      for (const SplitAction::Part& part : split->parts)
        service(part.service, part.mark, route.config_path + ".split.services");
    }
  }

  void regex(const std::string& pattern, const Mark& mark, const std::string& path) {
    const std::string fault = catalogue_.check_regex ? catalogue_.check_regex(pattern) : check_regex(pattern);
    if (!fault.empty())
      out_.error(mark, path, "must be a regular expression (RE2: " + fault + "), got \"" + pattern + "\"");
  }

  void patterns(const WrittenRoute& route) {
    for (const PathPattern& path : route.paths) {
      if (path.text.empty()) continue;  // what could not be read has been reported
      std::vector<std::string> captures;
      if (catalogue_.check_path) {
        if (const std::string fault = catalogue_.check_path(path.text, &captures); !fault.empty()) {
          out_.error(path.mark, route.config_path + ".path", fault + ", got \"" + path.text + "\"");
          continue;
        }
        templates(route, captures, path);
      }
    }
    if (route.paths.empty()) templates(route, {}, {});
    for (const NamedMatch& match : route.headers) {
      if (!match.match.regex.empty())
        regex(match.match.regex, match.mark, route.config_path + ".headers." + match.name);
    }
    for (const NamedMatch& match : route.client_cert) {
      if (!match.match.regex.empty())
        regex(match.match.regex, match.mark, route.config_path + ".client_cert." + match.name);
    }
    for (const NamedMatch& match : route.headers) visible(match, route.config_path + ".headers." + match.name);
    for (const NamedMatch& match : route.query) {
      if (!match.match.regex.empty()) regex(match.match.regex, match.mark, route.config_path + ".query." + match.name);
    }
    if (!route.rewrite.regex.empty())
      regex(route.rewrite.regex, route.rewrite.mark, route.config_path + ".rewrite.regex");
  }

  /// Routes see a request as it has been taken in: without what belongs to the connection, with what the gateway adds.
  void visible(const NamedMatch& match, const std::string& path) {
    constexpr std::string_view kConnection[] = {"connection", "keep-alive",        "proxy-connection",
                                                "te",         "transfer-encoding", "http2-settings"};
    constexpr std::string_view kAdded[] = {"via",       "x-request-id",     "traceparent",       "x-forwarded-for",
                                           "forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port",
                                           "x-real-ip"};
    if (std::ranges::find(kConnection, match.name) != std::end(kConnection))
      out_.warning(match.mark, path, "belongs to the connection: routes never see it");
    if (match.name.contains('_') && !written_.underscores_in_headers)
      out_.warning(match.mark, path, "is dropped, as every name with \"_\" is without underscores_in_headers: true");
    if (match.match.kind == ValueMatch::Kind::absent && std::ranges::find(kAdded, match.name) != std::end(kAdded))
      out_.warning(match.mark, path, "is never absent: the gateway adds it before routing");
  }

  void templates(const WrittenRoute& route, const std::vector<std::string>& captures, const PathPattern& path) {
    template_names(route.rewrite.path, captures, path, route.rewrite.mark, route.config_path + ".rewrite.path");
    if (const auto* redirect = std::get_if<RedirectAction>(&route.action)) {
      template_names(redirect->location, captures, path, route.action_mark, route.config_path + ".redirect.location");
    }
  }

  void template_names(const std::string& text, const std::vector<std::string>& captures, const PathPattern& path,
                      const Mark& mark, const std::string& where) {
    for (std::size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
      if (text.compare(open, 2, "{{") == 0) {  // a brace of the text's own
        ++open;
        continue;
      }
      const std::size_t close = text.find('}', open);
      if (close == std::string::npos) {
        out_.error(mark, where, "\"{\" without a closing \"}\"");
        return;
      }
      const std::string name = text.substr(open + 1, close - open - 1);
      if (std::ranges::find(captures, name) != captures.end()) continue;
      out_.error(mark, where,
                 path.text.empty() ? "no path that captures \"" + name + "\""
                                   : "the path \"" + path.text + "\" captures no \"" + name + "\"",
                 suggest(name, captures));
    }
  }

  WrittenModel& written_;
  const std::shared_ptr<const Node>& tree_;
  const Catalogue& catalogue_;
  Diagnostics& out_;
  std::vector<std::string> service_names_, listener_names_;
  std::unordered_set<std::string> known_services_;
};

}  // namespace

Model resolve(WrittenModel written, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
              Diagnostics& out) {
  return Resolver(written, tree, catalogue, out).run();
}

}  // namespace gatehouse::config
