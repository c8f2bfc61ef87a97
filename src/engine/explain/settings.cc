#include "engine/explain/settings.h"

#include "config/node.h"
#include "config/value_kinds.h"

namespace gatehouse::engine::explaining {
namespace {

using config::Node;

const Node* under(const Node* node, std::string_view key) {
  return node != nullptr ? node->find(key) : nullptr;
}

/// The mapping of the route or service `index` as it was written.
const Node* written(const config::Loaded& loaded, std::string_view list, std::size_t index) {
  const Node* items = under(loaded.tree.get(), list);
  return items != nullptr && index < items->items().size() ? &items->items()[index] : nullptr;
}

class Settings {
 public:
  Settings(const config::Loaded& loaded, const config::Listener& listener, const config::Route& route,
           const config::Service& service)
      : listener_(written(loaded, "listeners", static_cast<std::size_t>(&listener - loaded.model.listeners.data()))),
        route_(written(loaded, "routes", static_cast<std::size_t>(&route - loaded.model.routes.data()))),
        service_(written(loaded, "services", static_cast<std::size_t>(&service - loaded.model.services.data()))),
        gateway_(loaded.tree.get()) {}

  /// `group` is "timeouts" or "limits".
  void add(std::string_view group, std::string_view name, std::string value, bool of_service) {
    Setting setting{std::string(name), std::move(value), "default", ""};
    const auto look = [&](const char* whose, const Node* owner) {
      const Node* node = under(under(owner, group), name);
      if (node == nullptr || node->is_null() || setting.from != "default") return;
      setting.from = whose;
      setting.place = place_of(node->mark());
    };
    look("route", route_);
    if (of_service) {
      look("service", service_);
    } else {
      look("listener", listener_);
      look("gateway", gateway_);
    }
    made.push_back(std::move(setting));
  }

  std::vector<Setting> made;

 private:
  const Node* listener_;
  const Node* route_;
  const Node* service_;
  const Node* gateway_;
};

}  // namespace

std::string place_of(const config::Mark& mark) {
  if (mark.file == nullptr) return "";
  return mark.line == 0 ? *mark.file : *mark.file + ":" + std::to_string(mark.line);
}

std::string level_of(const config::PluginUse& use) {
  if (use.config_path.starts_with("routes")) return "route";
  if (use.config_path.starts_with("consumers")) return "consumer";
  for (const char* made : {"auth", "tiers", "api_keys"}) {
    if (use.config_path == made) return made;
  }
  return use.config_path.starts_with("services") ? "service" : "global";
}

std::vector<Setting> settings_in_force(const config::Loaded& loaded, const config::Listener& listener,
                                       const config::Route& route, const config::Service& service) {
  const ResolvedTimeouts times = resolve_timeouts(&service, &route);
  const config::Limits& limits = listener.limits;
  Settings settings(loaded, listener, route, service);
  settings.add("timeouts", "connect", config::duration_text(times.connect), true);
  settings.add("timeouts", "send", config::duration_text(times.send), true);
  settings.add("timeouts", "read", config::duration_text(times.read), true);
  settings.add("timeouts", "total", config::duration_text(times.total), true);
  settings.add("timeouts", "stream_idle", config::duration_text(times.stream_idle), true);
  settings.add("limits", "max_body", config::bytes_text(route.limits.max_body.value_or(limits.max_body)), false);
  settings.add("limits", "body_timeout", config::duration_text(route.limits.body_timeout.value_or(limits.body_timeout)),
               false);
  return std::move(settings.made);
}

}  // namespace gatehouse::engine::explaining
