#pragma once
#include "engine/control.h"

namespace gatehouse::admin {

/// The administration interface over `control` (docs/admin.md): /health, /ready, /metrics, /config, /routes, /explain.
/// Who may ask is decided in access.h. `control` outlives what is returned. Control thread.
engine::LocalServer::Pages make_admin(engine::Control& control);

/// Only /health, /ready and /metrics, for whoever can reach the address: the configuration's `probes`.
engine::LocalServer::Pages make_probes(engine::Control& control);

}  // namespace gatehouse::admin
