#pragma once
#include <string>
#include <string_view>

#include "config/model.h"

namespace gatehouse::fuzz {

/// Everything that a model says, but for marks and the options of plugins: two models with the same text run alike.
class ModelText {
 public:
  explicit ModelText(const config::Model& model) {
    add("workers", model.workers);
    for (const config::Listener& listener : model.listeners) add_listener(listener);
    add_list("trusted", model.trusted_proxies, [](const Cidr& block) { return block.text(); });
    if (model.admin) {
      add("admin", model.admin->address.text());
      add("token", model.admin->token.value);
      add("probes", model.admin->probes ? model.admin->probes->text() : "none");
    }
    add("level", model.logging.level);
    add("access", model.logging.access.enabled);
    add("access path", model.logging.access.path);
    add("access format", model.logging.access.format);
    add_limits(model.limits);
    add("drain delay", model.drain.delay.count());
    add("drain timeout", model.drain.timeout.count());
    add("error format", static_cast<int>(model.error_format));
    add("underscores", model.underscores_in_headers);
    add("default", model.default_service);
    for (const config::Service& service : model.services) add_service(service);
    for (const config::Route& route : model.routes) add_route(route);
    add_plugins(model.plugins);
  }
  const std::string& text() const { return text_; }

 private:
  void add(std::string_view name, const std::string& value) {
    text_.append(name).append(": [").append(value).append("]\n");
  }
  void add(std::string_view name, const char* value) { add(name, std::string(value)); }
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void add(std::string_view name, Number value) {
    add(name, std::to_string(value));
  }
  template <class List, class Text>
  void add_list(std::string_view name, const List& list, Text&& text) {
    for (const auto& item : list) add(name, text(item));
  }
  void add(std::string_view name, const std::vector<std::string>& list) {
    for (const std::string& item : list) add(name, item);
  }
  void add(std::string_view name, const std::optional<Duration>& value) {
    if (value) add(name, value->count());
  }

  void add_limits(const config::Limits& limits) {
    add("request line", limits.request_line);
    add("header bytes", limits.max_header_bytes);
    add("headers", limits.max_headers);
    add("header timeout", limits.header_timeout.count());
    add("idle timeout", limits.idle_timeout.count());
    add("body", limits.max_body);
    add("body timeout", limits.body_timeout.count());
    add("connections", limits.max_connections);
  }
  void add_listener(const config::Listener& listener) {
    add("listener", listener.name);
    add("address", listener.address.text());
    add("proxy protocol", listener.proxy_protocol);
    add_limits(listener.limits);
  }
  void add_timeouts(const config::Timeouts& timeouts) {
    add("connect", timeouts.connect);
    add("send", timeouts.send);
    add("read", timeouts.read);
    add("total", timeouts.total);
    add("stream idle", timeouts.stream_idle);
  }
  void add_plugins(const std::vector<config::PluginUse>& plugins) {
    for (const config::PluginUse& use : plugins) {
      add("plugin", use.name);
      add("instance", use.instance);
      add("enabled", use.enabled);
      add("before auth", use.before_auth);
    }
  }
  void add_service(const config::Service& service) {
    add("service", service.name);
    add("url", service.url);
    add("authority", service.authority);
    add("base path", service.base_path);
    for (const config::Target& target : service.targets) {
      add("target", target.address.text());
      add("weight", target.weight);
    }
    add_timeouts(service.timeouts);
    add("pool", service.pool.max_connections);
    add("idle", service.pool.max_idle);
    add("idle for", service.pool.idle_timeout.count());
    add("queue", service.pool.queue);
    add("queue for", service.pool.queue_timeout.count());
    add_plugins(service.plugins);
  }
  void add_matches(std::string_view name, const std::vector<config::NamedMatch>& matches) {
    for (const config::NamedMatch& match : matches) {
      add(name, match.name);
      add("kind", static_cast<int>(match.match.kind));
      add("value", match.match.values);
      add("regex", match.match.regex);
    }
  }
  void add_route(const config::Route& route) {
    add("route", route.name);
    add("name given", route.name_given);
    add("at", route.config_path);
    add("priority", route.priority);
    add("host", route.hosts);
    add_list("path", route.paths, [](const config::PathPattern& path) { return path.text; });
    add("method", route.methods);
    add_matches("header", route.headers);
    add_matches("query", route.query);
    add_list("client", route.clients, [](const Cidr& block) { return block.text(); });
    add("on", route.listeners);
    add("scheme", static_cast<int>(route.scheme));
    add("strip", route.strip_path);
    add("preserve host", route.preserve_host);
    add("rewrite", route.rewrite.path);
    add("regex", route.rewrite.regex);
    add("replace", route.rewrite.replace);
    std::visit([this](const auto& action) { add_action(action); }, route.action);
    add_timeouts(route.timeouts);
    if (route.limits.max_body) add("max body", *route.limits.max_body);
    add("body timeout", route.limits.body_timeout);
    add_plugins(route.plugins);
  }
  void add_action(const config::ForwardAction& action) { add("forward", action.service); }
  void add_action(const config::SplitAction& action) {
    for (const config::SplitAction::Part& part : action.parts) {
      add("split", part.service);
      add("weight", part.weight);
    }
    add("cookie", action.sticky_cookie);
    add("header", action.sticky_header);
  }
  void add_action(const config::RedirectAction& action) {
    add("redirect", action.location);
    add("status", action.status);
  }
  void add_action(const config::RespondAction& action) {
    add("respond", action.status);
    for (const auto& [name, value] : action.headers) {
      add("field", name);
      add("value", value);
    }
    add("body", action.body);
  }

  std::string text_;
};

}  // namespace gatehouse::fuzz
