#include <algorithm>
#include <cmath>

#include "cli/shop_call.h"

namespace gatehouse::cli::shop {
namespace {

LocalResponse create_order(const Call& call) {
  const std::optional<json::object> sent = document(call);
  if (!sent) return failed(400, "the body must be a JSON object");
  const json::value* const user = sent->if_contains("userId");
  if (user == nullptr || !user->is_int64()) return failed(400, "an order has a userId, a number");
  if (shop_find("users", user->get_int64()) == nullptr)
    return failed(400, "there is no user " + json::serialize(*user));
  const json::value* const items = sent->if_contains("itemIds");
  if (items == nullptr || !items->is_array() || items->get_array().empty()) {
    return failed(400, "an order has itemIds, a list of at least one");
  }
  double total = 0;
  for (const json::value& id : items->get_array()) {
    const json::object* const item = id.is_int64() ? shop_find("items", id.get_int64()) : nullptr;
    if (item == nullptr) return failed(400, "there is no item " + json::serialize(id));
    total += item->at("price").as_double();
  }
  return created("/orders", 110, *sent, {{"status", "active"}, {"total", std::round(total * 100) / 100}});
}

LocalResponse create_payment(const Call& call) {
  constexpr double kMost = 1000;
  const std::optional<json::object> sent = document(call);
  if (!sent) return failed(400, "the body must be a JSON object");
  const json::value* const order = sent->if_contains("orderId");
  const json::value* const amount = sent->if_contains("amount");
  if (order == nullptr || !order->is_int64()) return failed(400, "a payment has an orderId, a number");
  if (amount == nullptr || !amount->is_number() || amount->to_number<double>() <= 0) {
    return failed(400, "a payment has an amount, a number above 0");
  }
  if (amount->to_number<double>() > kMost) return failed(402, "the payment was declined");
  return created("/payments", 9004, *sent, {{"status", "authorized"}});
}

}  // namespace

LocalResponse orders(const Call& call) {
  if (call.size() == 3 && call.path[0] == "users" && call.path[2] == "orders") {
    if (!call.get()) return not_allowed("GET, HEAD");
    return user_orders(call, parse_number<std::int64_t>(call.path[1]).value_or(0));
  }
  if (call.size() > 1) return not_found();
  if (call.size() == 1) {
    if (!call.get() && call.request.method != "DELETE") return not_allowed("GET, HEAD, DELETE");
    LocalResponse order = found("orders", call.path[0]);
    return call.get() || order.status != 200 ? order : LocalResponse{.status = 204, .body = {}};
  }
  if (call.post()) return create_order(call);
  if (!call.get()) return not_allowed("GET, HEAD, POST");
  return paged(call, "orders", filtered(call, filtered(call, shop_data("orders"), "userId"), "status"));
}

LocalResponse items(const Call& call) {
  if (!call.get()) return not_allowed("GET, HEAD");
  if (call.size() > 1) return not_found();
  if (call.size() == 1) return found("items", call.path[0]);
  const std::string* const ids = call.query.find("ids");
  if (ids == nullptr) return paged(call, "items", shop_data("items"));
  json::array kept;
  for (std::string_view rest = *ids; !rest.empty();) {
    const std::string_view id = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), id.size() + 1));
    const std::optional<std::int64_t> value = parse_number<std::int64_t>(id);
    if (!value) return failed(400, "ids must be numbers with commas between them");
    if (const json::object* const item = shop_find("items", *value)) kept.push_back(*item);
  }
  return paged(call, "items", kept);
}

LocalResponse payments(const Call& call) {
  if (call.size() > 1) return not_found();
  if (call.size() == 1) return call.get() ? found("payments", call.path[0]) : not_allowed("GET, HEAD");
  if (call.post()) return create_payment(call);
  return call.get() ? paged(call, "payments", shop_data("payments")) : not_allowed("GET, HEAD, POST");
}

}  // namespace gatehouse::cli::shop
