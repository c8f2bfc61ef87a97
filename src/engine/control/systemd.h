#pragma once
#include <string_view>

namespace gatehouse::engine {

/// Tells the service manager (sd_notify(3)) over $NOTIFY_SOCKET; nothing where there is none. Never blocks.
void notify_service_manager(std::string_view state);
/// "RELOADING=1" with the time that goes with it.
void notify_reloading();

}  // namespace gatehouse::engine
