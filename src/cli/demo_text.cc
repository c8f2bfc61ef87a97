#include "cli/demo_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace gatehouse::cli {
namespace {

/// The port that stands instead of `written`, `written` itself where it is none of the demo's.
std::uint16_t replaced(std::uint16_t written, const DemoPorts& ports) {
  const DemoPorts in_file;
  if (written == in_file.gateway) return ports.gateway;
  if (written == in_file.admin) return ports.admin;
  const auto at = std::ranges::find(in_file.services, written);
  return at == in_file.services.end() ? written
                                      : ports.services[static_cast<std::size_t>(at - in_file.services.begin())];
}

}  // namespace

std::string demo_configuration(const DemoPorts& ports) {
  constexpr std::string_view kHost = "127.0.0.1:";
  std::string text;
  std::string_view rest = shop_yaml();
  for (std::size_t at; (at = rest.find(kHost)) != std::string_view::npos;) {
    text += rest.substr(0, at + kHost.size());
    rest.remove_prefix(at + kHost.size());
    std::uint16_t port = 0;
    const char* const end = std::from_chars(rest.data(), rest.data() + rest.size(), port).ptr;
    text += std::to_string(replaced(port, ports));
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  }
  text.append(rest);
  if (ports.certificates.empty()) return text;
  constexpr std::string_view kListeners = "listeners:\n";
  text.insert(
      text.find(kListeners) + kListeners.size(),
      fmt::format("  - {{name: secure, address: \"127.0.0.1:{}\", tls: {{certificates: [{{cert: \"{}/shop.pem\", key: "
                  "\"{}/shop.key\"}}]}}}}\n",
                  ports.tls, ports.certificates, ports.certificates));
  return text;
}

std::string demo_greeting(const DemoPorts& ports) {
  std::string tls;
  if (!ports.certificates.empty()) {
    tls = fmt::format(
        "  The first one through TLS and HTTP/2, signed by the demo's own authority\n"
        "    curl --cacert {}/ca.pem https://localhost:{}/users/1\n",
        ports.certificates, ports.tls);
  }
  return fmt::format(
      R"(
The shop is at http://127.0.0.1:{0}, its admin interface at http://127.0.0.1:{1}. Ctrl-C ends both.
In another terminal:

  A user, by path
    curl http://127.0.0.1:{0}/users/1
  The same path, another service, by header
    curl -H 'X-API-Version: v2' http://127.0.0.1:{0}/users/1
  An order
    curl -d '{{"userId": 1, "itemIds": [1, 2]}}' http://127.0.0.1:{0}/orders
  One of two variants, kept by a cookie
    curl -i http://127.0.0.1:{0}/recommendations/1
  Why a request goes where it goes
    curl -G http://127.0.0.1:{1}/explain -d url=http://partner.example.com/items/1

{2}
"gatehouse demo --print-config" prints the configuration.

)",
      ports.gateway, ports.admin, tls);
}

}  // namespace gatehouse::cli
