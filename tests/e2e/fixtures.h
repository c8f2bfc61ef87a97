#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/echo_service.h"
#include "support/gateway.h"
#include "support/scripted_peer.h"

namespace gatehouse::test {

/// One service `main` at `url` behind a route for every path. `service` and `route` are more keys in flow form:
/// "timeouts: {read: 1s}".
inline std::string forward_all(std::string_view url, std::string_view service = "", std::string_view route = "") {
  auto more = [](std::string_view keys) { return keys.empty() ? std::string() : ", " + std::string(keys); };
  return "services:\n  - {name: main, url: \"" + std::string(url) + "\"" + more(service) +
         "}\nroutes:\n  - {name: all, path: \"/*\", service: main" + more(route) + "}\n";
}

/// An answer that the gateway made itself, for this reason.
inline void expect_refusal(const Response& response, int status, std::string_view reason) {
  EXPECT_EQ(response.status, status) << response.describe();
  EXPECT_EQ(response.header("x-gatehouse-error"), reason) << response.describe();
  EXPECT_TRUE(response.complete) << response.describe();
  EXPECT_TRUE(response.body.find("\"error\"") != std::string::npos) << response.describe();
}

/// A gateway in front of an EchoService.
struct EchoGateway {
  explicit EchoGateway(std::string_view front = "", std::string_view service = "", std::string_view route = "")
      : gateway(std::string(front) + forward_all(echo.url(), service, route)) {}
  EchoService echo;
  Gateway gateway;

  /// What the service saw of a request sent as these bytes.
  Echo seen(std::string_view bytes) const {
    Response response = gateway.send(bytes);
    EXPECT_EQ(response.status, 200) << response.describe();
    return Echo(response.body);
  }
};

}  // namespace gatehouse::test
