#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/shop.h"

namespace gatehouse::cli {

/// Where the demo's parts listen, all on 127.0.0.1.
struct DemoPorts {
  std::uint16_t gateway = 8080;
  std::uint16_t admin = 9901;
  std::uint16_t tls = 8443;  ///< counts where there are certificates
  std::string certificates =
      {};  ///< the folder of make_demo_certificates(), as the configuration names it; "" for none
  /// In the order of ShopService.
  std::array<std::uint16_t, kShopServices> services = {9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9009};
};

/// examples/shop.yaml as it was when this program was built.
std::string_view shop_yaml();

/// The same with other ports, and with a listener that speaks TLS where there are certificates.
std::string demo_configuration(const DemoPorts& ports);

/// What the demo says once it runs: where it is and five requests to try, and one through TLS.
std::string demo_greeting(const DemoPorts& ports);

}  // namespace gatehouse::cli
