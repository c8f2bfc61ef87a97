#include "cli/shop_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace gatehouse::cli {

namespace json = boost::json;

namespace {

constexpr std::string_view kShop = R"({
"users": [
  {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com", "avatar": "/avatars/1.png", "tier": "premium", "city": "London",
   "internal_id": "u-7f3a91", "database_metadata": {"shard": 3, "row_version": 17}},
  {"id": 2, "name": "Alan Turing", "email": "alan@example.com", "avatar": "/avatars/2.png", "tier": "standard", "city": "Wilmslow",
   "internal_id": "u-20c4d8", "database_metadata": {"shard": 1, "row_version": 4}},
  {"id": 3, "name": "Grace Hopper", "email": "grace@example.com", "avatar": "/avatars/3.png", "tier": "enterprise", "city": "Arlington",
   "internal_id": "u-b81e55", "database_metadata": {"shard": 2, "row_version": 31}},
  {"id": 4, "name": "Edsger Dijkstra", "email": "edsger@example.com", "avatar": "/avatars/4.png", "tier": "free", "city": "Nuenen",
   "internal_id": "u-0dd9a2", "database_metadata": {"shard": 3, "row_version": 2}},
  {"id": 5, "name": "Barbara Liskov", "email": "barbara@example.com", "avatar": "/avatars/5.png", "tier": "free", "city": "Boston",
   "internal_id": "u-5e61c7", "database_metadata": {"shard": 1, "row_version": 9}}],
"orders": [
  {"id": 101, "userId": 1, "status": "delivered", "total": 41.40, "itemIds": [1, 4], "createdAt": "2026-01-04T09:12:00Z"},
  {"id": 102, "userId": 1, "status": "active", "total": 12.90, "itemIds": [2], "createdAt": "2026-01-18T17:45:00Z"},
  {"id": 103, "userId": 2, "status": "active", "total": 249.00, "itemIds": [6], "createdAt": "2026-01-20T08:30:00Z"},
  {"id": 104, "userId": 1, "status": "cancelled", "total": 89.50, "itemIds": [5], "createdAt": "2026-02-02T12:00:00Z"},
  {"id": 105, "userId": 3, "status": "delivered", "total": 27.80, "itemIds": [2, 3], "createdAt": "2026-02-03T10:20:00Z"},
  {"id": 106, "userId": 1, "status": "delivered", "total": 14.90, "itemIds": [3], "createdAt": "2026-02-11T21:05:00Z"},
  {"id": 107, "userId": 1, "status": "active", "total": 261.90, "itemIds": [2, 6], "createdAt": "2026-02-14T07:50:00Z"},
  {"id": 108, "userId": 1, "status": "active", "total": 51.30, "itemIds": [1, 2, 3], "createdAt": "2026-02-20T15:33:00Z"},
  {"id": 109, "userId": 4, "status": "active", "total": 17.90, "itemIds": [4], "createdAt": "2026-02-21T11:11:00Z"}],
"items": [
  {"id": 1, "name": "Coffee, 1 kg", "price": 23.50, "stock": 120, "internal_id": "sku-1001"},
  {"id": 2, "name": "Enamel mug", "price": 12.90, "stock": 45, "internal_id": "sku-1002"},
  {"id": 3, "name": "Notebook, squared", "price": 14.90, "stock": 300, "internal_id": "sku-1003"},
  {"id": 4, "name": "Desk lamp bulb", "price": 17.90, "stock": 0, "internal_id": "sku-1004"},
  {"id": 5, "name": "Mechanical pencil set", "price": 89.50, "stock": 12, "internal_id": "sku-1005"},
  {"id": 6, "name": "Standing lamp", "price": 249.00, "stock": 7, "internal_id": "sku-1006"}],
"payments": [
  {"id": 9001, "orderId": 101, "amount": 41.40, "method": "card", "status": "captured"},
  {"id": 9002, "orderId": 105, "amount": 27.80, "method": "invoice", "status": "captured"},
  {"id": 9003, "orderId": 103, "amount": 249.00, "method": "card", "status": "authorized"}],
"notifications": [
  {"id": 1, "userId": 1, "text": "Order 102 has been packed", "read": false},
  {"id": 2, "userId": 1, "text": "Order 101 has been delivered", "read": true},
  {"id": 3, "userId": 1, "text": "The standing lamp is back in stock", "read": false},
  {"id": 4, "userId": 2, "text": "Order 103 waits for its payment", "read": false},
  {"id": 5, "userId": 3, "text": "Thank you for your review", "read": true}],
"recommendations": [
  {"id": 1, "userId": 1, "itemIds": [3, 5]},
  {"id": 2, "userId": 2, "itemIds": [2, 1]},
  {"id": 3, "userId": 3, "itemIds": [6, 4]},
  {"id": 4, "userId": 4, "itemIds": [1, 2]},
  {"id": 5, "userId": 5, "itemIds": [2, 3]}],
"events": [
  {"id": 1, "type": "view", "userId": 1, "itemId": 6},
  {"id": 2, "type": "order", "userId": 1, "orderId": 107},
  {"id": 3, "type": "view", "userId": 2, "itemId": 1}]
})";

void write(const json::value& value, int depth, std::string& to);

void write_break(int depth, std::string& to) {
  to.append("\n").append(static_cast<std::size_t>(depth) * 2, ' ');
}

void write_object(const json::object& object, int depth, std::string& to) {
  to += '{';
  bool first = true;
  for (const auto& [key, value] : object) {
    if (!std::exchange(first, false)) to += ',';
    write_break(depth + 1, to);
    to.append(json::serialize(key)).append(": ");
    write(value, depth + 1, to);
  }
  if (!object.empty()) write_break(depth, to);
  to += '}';
}

/// A list of numbers or strings stays on one line.
void write_array(const json::array& array, int depth, std::string& to) {
  const bool flat = std::ranges::none_of(array, [](const json::value& value) { return value.is_structured(); });
  to += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i != 0) to += flat ? ", " : ",";
    if (!flat) write_break(depth + 1, to);
    write(array[i], depth + 1, to);
  }
  if (!flat) write_break(depth, to);
  to += ']';
}

void write(const json::value& value, int depth, std::string& to) {
  if (const json::object* const object = value.if_object()) return write_object(*object, depth, to);
  if (const json::array* const array = value.if_array()) return write_array(*array, depth, to);
  if (const double* const number = value.if_double()) {
    to += fmt::format("{}", *number);
  } else {
    to += json::serialize(value);
  }
}

}  // namespace

const json::array& shop_data(std::string_view collection) {
  static const json::object shop = json::parse(json::string_view(kShop.data(), kShop.size())).as_object();
  return shop.at(json::string_view(collection.data(), collection.size())).as_array();
}

const json::object* shop_find(std::string_view collection, std::int64_t id) {
  for (const json::value& each : shop_data(collection)) {
    if (each.get_object().at("id").as_int64() == id) return &each.get_object();
  }
  return nullptr;
}

std::string pretty(const json::value& value) {
  std::string text;
  write(value, 0, text);
  return text + "\n";
}

}  // namespace gatehouse::cli
