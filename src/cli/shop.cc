#include "cli/shop.h"

#include <array>

#include "cli/shop_call.h"

namespace gatehouse::cli {

using namespace shop;

namespace {

constexpr std::array<std::string_view, kShopServices> kNames = {"users",     "orders",        "items",
                                                                "payments",  "notifications", "recommendations",
                                                                "analytics", "users-v2",      "recommendations-v2"};

/// The request as it came here: of the header fields those that gateways write or remove.
LocalResponse echo(ShopService service, const Call& call) {
  json::object headers;
  for (const char* name : {"Host",
                           "User-Agent",
                           "Content-Type",
                           "Authorization",
                           "Cookie",
                           "X-Forwarded-For",
                           "X-Forwarded-Host",
                           "X-Forwarded-Proto",
                           "X-Real-IP",
                           "X-Client-Subject",
                           "X-Client-SAN",
                           "X-Request-ID",
                           "X-Correlation-ID",
                           "X-Gateway",
                           "X-API-Key",
                           "X-API-Version",
                           "X-User-ID",
                           "X-User-Roles",
                           "X-Permissions",
                           "X-Consumer-Username",
                           "X-Internal",
                           "Traceparent"}) {
    const std::string_view value = call.request.header(name);
    if (!value.empty()) headers.emplace(name, text(value));
  }
  return answer(json::object{{"service", text(shop_service_name(service))},
                             {"method", text(call.request.method)},
                             {"path", text(call.request.path)},
                             {"query", text(call.request.query)},
                             {"headers", std::move(headers)},
                             {"body", text(call.request.body)}});
}

LocalResponse dispatch(ShopService service, const Call& call) {
  if (call.size() == 1 && call.path[0] == "health") return answer(json::object{{"status", "ok"}});
  if (call.size() == 1 && call.path[0] == "echo") return echo(service, call);
  switch (service) {
    case ShopService::users:
      return users(call, false);
    case ShopService::users_v2:
      return users(call, true);
    case ShopService::orders:
      return orders(call);
    case ShopService::items:
      return items(call);
    case ShopService::payments:
      return payments(call);
    case ShopService::notifications:
      return notifications(call);
    case ShopService::recommendations:
      return recommendations(call, false);
    case ShopService::recommendations_v2:
      return recommendations(call, true);
    case ShopService::analytics:
      return analytics(call);
  }
  return not_found();
}

}  // namespace

std::string_view shop_service_name(ShopService service) {
  return kNames[static_cast<std::size_t>(service)];
}

LocalResponse answer_shop(ShopService service, const LocalRequest& request) {
  Call call{request, admin::Query(request.query), {}};
  for (std::string_view rest = request.path; !rest.empty();) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), segment.size() + 1));
    if (!segment.empty()) call.path.push_back(segment);
  }
  const std::string_view name = shop_service_name(service);
  const std::string_view collection = name.substr(0, name.find('-'));
  if (!call.path.empty() && call.path[0] == collection) call.path.erase(call.path.begin());
  LocalResponse response = dispatch(service, call);
  response.headers.emplace_back("X-Service", name);
  response.headers.emplace_back("X-Powered-By", "gatehouse demo");
  return response;
}

}  // namespace gatehouse::cli
