#include "config/model.h"

namespace gatehouse::config {

std::string Address::text() const {
  switch (kind) {
    case Kind::unix_path:
      return "unix:" + host;
    case Kind::name:
      return host + ":" + std::to_string(port);
    case Kind::ip:
      break;
  }
  const std::string address = ip.text();
  return (address.contains(':') ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace gatehouse::config
