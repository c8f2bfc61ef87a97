#include "cli/shop.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>

#include "cli/shop_data.h"

namespace gatehouse::cli {
namespace {

namespace json = boost::json;
using engine::LocalRequest;
using engine::LocalResponse;
using testing::ElementsAre;
using testing::Not;

LocalResponse send(ShopService service, std::string_view method, std::string_view target, std::string_view body = "") {
  LocalRequest request;
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  request.body = body;
  request.header = [](std::string_view name) { return name == "X-Gateway" ? "gatehouse" : std::string_view(); };
  return answer_shop(service, request);
}
LocalResponse get(ShopService service, std::string_view target) {
  return send(service, "GET", target);
}
json::value read(ShopService service, std::string_view target) {
  const LocalResponse response = get(service, target);
  EXPECT_EQ(response.status, 200) << target << ": " << response.body;
  return json::parse(response.body);
}
std::string header(const LocalResponse& response, std::string_view name) {
  const auto found = std::ranges::find(response.headers, name, [](const auto& each) { return each.first; });
  return found == response.headers.end() ? "" : found->second;
}
std::vector<std::int64_t> ids(const json::value& list) {
  std::vector<std::int64_t> all;
  for (const json::value& each : list.as_array()) all.push_back(each.at("id").as_int64());
  return all;
}

TEST(Shop, knows_users_with_and_without_the_collection_in_the_path) {
  const json::value user = read(ShopService::users, "/users/1");
  EXPECT_EQ(user.at("name").as_string(), "Ada Lovelace");
  EXPECT_EQ(user.at("email").as_string(), "ada@example.com");
  EXPECT_TRUE(user.as_object().contains("internal_id"));
  EXPECT_TRUE(user.as_object().contains("database_metadata"));
  EXPECT_EQ(read(ShopService::users, "/1"), user);
  EXPECT_EQ(get(ShopService::users, "/").body, get(ShopService::users, "/users").body);
}

TEST(Shop, answers_the_same_every_time) {
  EXPECT_EQ(get(ShopService::users, "/users/2").body, get(ShopService::users, "/users/2").body);
  EXPECT_EQ(send(ShopService::users, "POST", "/users", R"({"name": "N", "email": "E"})").body,
            send(ShopService::users, "POST", "/users", R"({"name": "N", "email": "E"})").body);
}

TEST(Shop, keeps_only_the_fields_that_are_asked_for) {
  EXPECT_EQ(read(ShopService::users, "/users/1?fields=id,avatar,nothing"),
            (json::value{{"id", 1}, {"avatar", "/avatars/1.png"}}));
}

TEST(Shop, pages_its_lists) {
  const json::value second = read(ShopService::users, "/users?page=2&page_size=2");
  EXPECT_THAT(ids(second.at("users")), ElementsAre(3, 4));
  EXPECT_EQ(second.at("total").as_int64(), 5);
  EXPECT_EQ(second.at("page_size").as_int64(), 2);
  EXPECT_THAT(ids(read(ShopService::users, "/users?page=9").at("users")), ElementsAre());
  for (const char* query : {"page=0", "page=x", "page_size=101", "page_size="}) {
    EXPECT_EQ(get(ShopService::users, "/users?" + std::string(query)).status, 400) << query;
  }
}

TEST(Shop, lists_the_orders_of_a_user_the_newest_first) {
  for (const ShopService service : {ShopService::users, ShopService::orders}) {
    EXPECT_THAT(ids(read(service, "/users/1/orders")), ElementsAre(108, 107, 106, 104, 102, 101));
  }
  EXPECT_THAT(ids(read(ShopService::users, "/users/1/orders?status=active&limit=2")), ElementsAre(108, 107));
  EXPECT_THAT(ids(read(ShopService::orders, "/users/99/orders")), ElementsAre());
  EXPECT_EQ(get(ShopService::users, "/users/1/orders?limit=0").status, 400);
}

TEST(Shop, shows_a_profile_without_what_is_internal) {
  const json::value profile = read(ShopService::users, "/users/3/profile");
  EXPECT_EQ(profile.at("tier").as_string(), "enterprise");
  EXPECT_FALSE(profile.as_object().contains("internal_id"));
}

TEST(Shop, has_another_version_of_users) {
  const json::value user = read(ShopService::users_v2, "/users/1");
  EXPECT_EQ(user.at("version").as_int64(), 2);
  EXPECT_EQ(user.at("name").at("family").as_string(), "Lovelace");
  EXPECT_FALSE(user.as_object().contains("internal_id"));
}

TEST(Shop, has_orders_whose_totals_are_the_sums_of_their_items) {
  for (const json::value& order : shop_data("orders")) {
    double sum = 0;
    for (const json::value& id : order.at("itemIds").as_array()) {
      const json::object* const item = shop_find("items", id.as_int64());
      ASSERT_NE(item, nullptr);
      sum += item->at("price").as_double();
    }
    EXPECT_NEAR(order.at("total").as_double(), sum, 0.001) << order.at("id");
    EXPECT_NE(shop_find("users", order.at("userId").as_int64()), nullptr);
  }
}

TEST(Shop, filters_orders) {
  EXPECT_THAT(ids(read(ShopService::orders, "/orders?userId=1&status=delivered").at("orders")), ElementsAre(101, 106));
  EXPECT_EQ(read(ShopService::orders, "/orders/101").at("userId").as_int64(), 1);
}

TEST(Shop, creates_an_order_and_adds_its_total) {
  const LocalResponse made =
      send(ShopService::orders, "POST", "/orders", R"({"id": 7, "userId": 1, "itemIds": [1, 2], "note": "soon"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header(made, "Location"), "/orders/110");
  EXPECT_EQ(json::parse(made.body), json::parse(R"({"id": 110, "userId": 1, "itemIds": [1, 2], "note": "soon",
                                                   "status": "active", "total": 36.4})"));
}

TEST(Shop, refuses_what_makes_no_sense) {
  for (const char* body :
       {"", "[]", "{", "{}", R"({"userId": "1", "itemIds": [1]})", R"({"userId": 99, "itemIds": [1]})",
        R"({"userId": 1, "itemIds": []})", R"({"userId": 1, "itemIds": [77]})"}) {
    EXPECT_EQ(send(ShopService::orders, "POST", "/orders", body).status, 400) << body;
  }
  EXPECT_EQ(send(ShopService::users, "POST", "/users", R"({"name": ""})").status, 400);
  EXPECT_EQ(send(ShopService::payments, "POST", "/payments", R"({"orderId": 101, "amount": 0})").status, 400);
  EXPECT_EQ(send(ShopService::analytics, "POST", "/analytics/events", R"({"kind": "view"})").status, 400);
  EXPECT_EQ(get(ShopService::items, "/items?ids=1,x").status, 400);
}

TEST(Shop, takes_a_payment_or_declines_it) {
  EXPECT_EQ(send(ShopService::payments, "POST", "/payments", R"({"orderId": 101, "amount": 41.4})").status, 201);
  EXPECT_EQ(send(ShopService::payments, "POST", "/payments", R"({"orderId": 101, "amount": 1001})").status, 402);
  EXPECT_EQ(read(ShopService::payments, "/payments/9001").at("status").as_string(), "captured");
}

TEST(Shop, deletes_an_order_without_a_body) {
  const LocalResponse gone = send(ShopService::orders, "DELETE", "/orders/101");
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.body, "");
  EXPECT_EQ(send(ShopService::orders, "DELETE", "/orders/1").status, 404);
}

TEST(Shop, gives_several_items_at_once) {
  EXPECT_THAT(ids(read(ShopService::items, "/items?ids=2,1,99").at("items")), ElementsAre(2, 1));
  EXPECT_THAT(ids(read(ShopService::items, "/items?ids=2%2C1").at("items")), ElementsAre(2, 1));
  EXPECT_EQ(read(ShopService::items, "/items").at("total").as_int64(), 6);
}

TEST(Shop, counts_unread_notifications) {
  const json::value all = read(ShopService::notifications, "/notifications/1");
  EXPECT_EQ(all.at("unread_count").as_int64(), 2);
  EXPECT_EQ(all.at("count").as_int64(), 3);
  const json::value unread = read(ShopService::notifications, "/notifications/1?unread=true");
  EXPECT_THAT(ids(unread.at("notifications")), ElementsAre(1, 3));
  EXPECT_EQ(unread.at("count").as_int64(), 2);
}

TEST(Shop, recommends_the_same_items_by_two_algorithms) {
  const json::value first = read(ShopService::recommendations, "/recommendations/1");
  const json::value second = read(ShopService::recommendations_v2, "/recommendations/1");
  EXPECT_EQ(first.at("algorithm").as_string(), "v1");
  EXPECT_EQ(second.at("algorithm").as_string(), "v2");
  EXPECT_THAT(ids(first.at("items")), ElementsAre(3, 5));
  EXPECT_THAT(ids(second.at("items")), ElementsAre(5, 3));
}

TEST(Shop, sums_up_what_a_user_spent) {
  EXPECT_EQ(read(ShopService::analytics, "/analytics/stats/1"),
            json::parse(R"({"userId": 1, "totalSpent": 382.4, "orderCount": 5, "averageOrderValue": 76.48})"));
  EXPECT_EQ(read(ShopService::analytics, "/analytics/stats/5").at("orderCount").as_int64(), 0);
}

TEST(Shop, misbehaves_where_it_is_asked_to) {
  const LocalResponse slow = get(ShopService::analytics, "/analytics/slow?ms=250");
  EXPECT_EQ(slow.status, 200);
  EXPECT_EQ(slow.delay, std::chrono::milliseconds(250));
  EXPECT_EQ(get(ShopService::analytics, "/analytics/slow?ms=60001").status, 400);
  EXPECT_EQ(get(ShopService::analytics, "/analytics/fail?status=503").status, 503);
  EXPECT_EQ(get(ShopService::analytics, "/analytics/fail").status, 500);
  EXPECT_EQ(get(ShopService::analytics, "/analytics/fail?status=200").status, 400);
}

TEST(Shop, says_404_to_ids_and_paths_that_it_does_not_know) {
  const std::pair<ShopService, const char*> unknown[] = {{ShopService::users, "/users/99"},
                                                         {ShopService::users, "/users/x"},
                                                         {ShopService::users, "/users/1/cart"},
                                                         {ShopService::orders, "/orders/1"},
                                                         {ShopService::items, "/items/0"},
                                                         {ShopService::payments, "/payments/1"},
                                                         {ShopService::notifications, "/notifications/99"},
                                                         {ShopService::recommendations, "/recommendations/99"},
                                                         {ShopService::analytics, "/analytics/nothing"}};
  for (const auto& [service, path] : unknown) {
    const LocalResponse response = get(service, path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_TRUE(json::parse(response.body).as_object().contains("error"));
  }
}

TEST(Shop, says_405_with_what_is_allowed) {
  const LocalResponse response = send(ShopService::items, "PUT", "/items/1");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(header(response, "Allow"), "GET, HEAD");
  EXPECT_EQ(header(send(ShopService::orders, "PUT", "/orders/101"), "Allow"), "GET, HEAD, DELETE");
}

TEST(Shop, has_a_health_page_and_an_echo_in_every_service) {
  for (std::size_t i = 0; i < kShopServices; ++i) {
    const auto service = static_cast<ShopService>(i);
    EXPECT_EQ(read(service, "/health").at("status").as_string(), "ok");
    const json::value echo = json::parse(send(service, "POST", "/echo?a=1", "hello").body);
    EXPECT_EQ(echo.at("service").as_string(),
              json::string_view(shop_service_name(service).data(), shop_service_name(service).size()));
    EXPECT_EQ(echo.at("query").as_string(), "a=1");
    EXPECT_EQ(echo.at("body").as_string(), "hello");
    EXPECT_EQ(echo.at("headers"), (json::value{{"X-Gateway", "gatehouse"}}));
  }
}

TEST(Shop, names_the_service_and_itself_in_every_answer) {
  EXPECT_EQ(header(get(ShopService::users, "/users/99"), "X-Service"), "users");
  EXPECT_THAT(header(get(ShopService::users, "/users/1"), "X-Powered-By"), Not(""));
}

TEST(Pretty, indents_and_keeps_numbers_short) {
  EXPECT_EQ(pretty(json::parse(R"({"a": 9.90, "b": [1, "x"], "c": [{}], "d": []})")),
            "{\n  \"a\": 9.9,\n  \"b\": [1, \"x\"],\n  \"c\": [\n    {}\n  ],\n  \"d\": []\n}\n");
}

}  // namespace
}  // namespace gatehouse::cli
