#include "engine/access_format.h"

#include "telemetry/access_log.h"

namespace gatehouse::engine {

std::string check_access_format(std::string_view format) {
  std::string fault;
  telemetry::make_access_format(format, fault);
  return fault;
}

}  // namespace gatehouse::engine
