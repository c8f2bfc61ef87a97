#pragma once
#include <string>
#include <vector>

#include "engine/explain/facts.h"

namespace gatehouse::engine::explaining {

/// "shop.yaml:14", "" for an empty mark.
std::string place_of(const config::Mark& mark);

/// "global", "service" or "route": where a plugin stands.
std::string level_of(const config::PluginUse& use);

/// Timeouts and limits of a route that goes to `service`, for requests on `listener`, each with the place that decides
/// it. All are of `loaded`'s model.
std::vector<Setting> settings_in_force(const config::Loaded& loaded, const config::Listener& listener,
                                       const config::Route& route, const config::Service& service);

}  // namespace gatehouse::engine::explaining
