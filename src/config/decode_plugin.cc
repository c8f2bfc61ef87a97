#include <algorithm>

#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// The node is lent until check_plugins ties it to the tree.
Value<std::shared_ptr<const Node>> plugin_config() {
  using Lent = std::shared_ptr<const Node>;
  return custom<Lent>({.decode =
                           [](const Node& node, const Where& at, Lent& to) {
                             if (!node.is_mapping()) {
                               at.expected("a mapping", node);
                               return false;
                             }
                             to = Lent(std::shared_ptr<void>(), &node);
                             return true;
                           },
                       .type = "mapping",
                       .schema = schema_of_type("object"),
                       .allows_null = true});
}

Value<bool> phase() {
  Node schema = Node::mapping();
  schema.set("enum", Node::sequence()).push(Node::string("before_auth"));
  return custom<bool>({.decode =
                           [](const Node& node, const Where& at, bool& to) {
                             if (!node.is_scalar() || node.text() != "before_auth") {
                               at.expected("before_auth", node);
                               return false;
                             }
                             to = true;
                             return true;
                           },
                       .type = "before_auth",
                       .schema = schema});
}

constexpr std::string_view kLaterPlugins[] = {"acl",
                                              "acme",
                                              "aws-lambda",
                                              "body-transformer",
                                              "canary",
                                              "compression",
                                              "correlation-id",
                                              "cors",
                                              "datadog",
                                              "file-log",
                                              "graphql",
                                              "grpc-gateway",
                                              "grpc-web",
                                              "http-log",
                                              "ip-restriction",
                                              "jq",
                                              "jwt",
                                              "jwt-claims",
                                              "key-auth",
                                              "ldap-auth",
                                              "loggly",
                                              "lua",
                                              "mirror",
                                              "oauth2",
                                              "oauth2-introspection",
                                              "opa",
                                              "openid-connect",
                                              "opentelemetry",
                                              "post-function",
                                              "pre-function",
                                              "prometheus",
                                              "proxy-cache",
                                              "rate-limiting",
                                              "redirect",
                                              "request-id",
                                              "request-size-limiting",
                                              "request-termination",
                                              "request-transformer",
                                              "request-validator",
                                              "response-transformer",
                                              "session",
                                              "statsd",
                                              "syslog",
                                              "tcp-log",
                                              "udp-log",
                                              "validation",
                                              "websocket",
                                              "zipkin"};

}  // namespace

const Options<PluginUse>& plugin_options() {
  static const auto table =
      Options<PluginUse>()
          .require("name", &PluginUse::name, non_empty(), "Which plugin.")
          .add("config", &PluginUse::config, plugin_config(), "Its options.")
          .add("enabled", &PluginUse::enabled, boolean(), "`false` switches an inherited one off.")
          .add("instance", &PluginUse::instance, name(), "Makes a second instance of a plugin.")
          .add("phase", &PluginUse::before_auth, phase(),
               "`before_auth` moves a rate-limiting in front of authentication.")
          .add("route", &PluginUse::route, name(), "Of a consumer's plugin: the route where alone it counts.")
          .add("service", &PluginUse::service, service_name(), "The same with a service.")
          .later({"when", "consumer", "consumers", "tags"});
  return table;
}

Value<std::vector<PluginUse>> plugin_list() {
  return list(mapping_of<PluginUse>(plugin_options(), [](const Node& node, const Where& at, PluginUse& to) {
    to.mark = node.mark();
    to.config_path = at.path();
  }));
}

const PluginInfo* Catalogue::plugin(std::string_view name) const {
  const auto found = std::ranges::find(plugins, name, &PluginInfo::name);
  return found == plugins.end() ? nullptr : &*found;
}

void check_plugins(std::vector<PluginUse>& plugins, const std::shared_ptr<const Node>& tree, const Catalogue& catalogue,
                   Diagnostics& out) {
  for (std::size_t i = 0; i < plugins.size(); ++i) {
    PluginUse& use = plugins[i];
    if (use.name.empty()) continue;
    if (use.config) use.config = std::shared_ptr<const Node>(tree, use.config.get());
    const bool placed = !use.route.empty() || !use.service.empty();
    if (placed && !use.config_path.starts_with("consumers["))
      out.error(use.mark, use.config_path, "only a consumer's plugins name a \"route\" or a \"service\"");
    if (!use.route.empty() && !use.service.empty())
      out.error(use.mark, use.config_path, "names a \"route\" and a \"service\": one of them is enough");
    const auto same = [&](const PluginUse& other) {
      return other.name == use.name && other.instance == use.instance && other.route == use.route &&
             other.service == use.service;
    };
    const auto first = std::find_if(plugins.begin(), plugins.begin() + static_cast<std::ptrdiff_t>(i), same);
    if (first != plugins.begin() + static_cast<std::ptrdiff_t>(i)) {
      out.error(use.mark, use.config_path,
                "plugin \"" + use.name + "\" stands twice in this list, first at " + first->mark.text(),
                "instance: NAME makes a second one");
    }
    if (use.before_auth && use.name != "rate-limiting") {
      out.error(use.mark, use.config_path + ".phase", "only rate-limiting has a phase");
    }
    const PluginInfo* info = catalogue.plugin(use.name);
    if (!info) {
      if (std::ranges::find(kLaterPlugins, use.name) != std::end(kLaterPlugins)) {
        out.error(use.mark, use.config_path, "plugin \"" + use.name + "\" is not supported yet");
        continue;
      }
      std::vector<std::string> names;
      for (const PluginInfo& known : catalogue.plugins) names.push_back(known.name);
      out.error(use.mark, use.config_path, "unknown plugin \"" + use.name + "\"", suggest(use.name, names));
      continue;
    }
    if (!use.enabled) continue;  // it takes the name away, whatever else it says
    if (info->check) info->check(use.config.get(), use.config_path + ".config", use.mark, out);
    const std::string caller = use.before_auth && info->needs_caller ? info->needs_caller(use.config.get()) : "";
    if (!caller.empty()) {
      const Place at = option_of(use, caller);
      out.error(at.mark, at.path, "asks who calls, which is not known in front of authentication",
                "leave out phase: before_auth");
    }
  }
}

}  // namespace gatehouse::config
