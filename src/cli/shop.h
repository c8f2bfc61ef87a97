#pragma once
#include <cstdint>
#include <string_view>

#include "engine/local_server.h"

namespace gatehouse::cli {

/// The sample services behind `gatehouse demo`: a small shop, each service with its own port. They keep nothing: an
/// order that was created is echoed and forgotten, so that every run answers alike.
///
/// A service's collection may be left out of the path, as a gateway with strip_path leaves it out: /users/1 and /1 are
/// the same to `users`. All answer GET /health, and GET or POST /echo with the request as the service saw it.
enum class ShopService : std::uint8_t {
  users,     ///< /users?page=&page_size=, /users/{id}?fields=, /users/{id}/profile, /users/{id}/orders, POST /users
  orders,    ///< /orders?userId=&status=, /orders/{id}, POST /orders, DELETE /orders/{id}, /users/{id}/orders
  items,     ///< /items?ids=1,2, /items/{id}
  payments,  ///< /payments, /payments/{id}, POST /payments
  notifications,       ///< /notifications/{userId}?unread=true
  recommendations,     ///< /recommendations/{userId}
  analytics,           ///< /analytics/events, POST /analytics/events, /analytics/stats/{userId}; on purpose bad:
                       ///< /analytics/slow?ms=, /analytics/fail?status=
  users_v2,            ///< as users, with the name in two parts and nothing internal
  recommendations_v2,  ///< as recommendations, by another algorithm
};
inline constexpr std::size_t kShopServices = 9;

/// "users", "recommendations-v2".
std::string_view shop_service_name(ShopService service);

/// What `service` answers.
engine::LocalResponse answer_shop(ShopService service, const engine::LocalRequest& request);

}  // namespace gatehouse::cli
