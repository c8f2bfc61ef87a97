#include <algorithm>
#include <cmath>

#include "cli/shop_call.h"

namespace gatehouse::cli::shop {
namespace {

LocalResponse user_stats(std::string_view id) {
  const std::optional<std::int64_t> user = parse_number<std::int64_t>(id);
  if (!user || shop_find("users", *user) == nullptr) return failed(404, "there is no user " + std::string(id));
  double spent = 0;
  std::int64_t count = 0;
  for (const json::value& order : of_user("orders", *user)) {
    if (order.at("status").as_string() == "cancelled") continue;
    spent += order.at("total").as_double();
    ++count;
  }
  const auto cents = [](double amount) { return std::round(amount * 100) / 100; };
  return answer(json::object{{"userId", *user},
                             {"totalSpent", cents(spent)},
                             {"orderCount", count},
                             {"averageOrderValue", count != 0 ? cents(spent / static_cast<double>(count)) : 0.0}});
}

LocalResponse misbehave(const Call& call) {
  if (call.path[0] == "slow") {
    const auto ms = bounded(call, "ms", 1000, 0, 60'000);
    if (!ms) return failed(400, "ms must be a number from 0 to 60000");
    LocalResponse response = answer(json::object{{"delayed_ms", *ms}});
    response.delay = std::chrono::milliseconds(*ms);
    return response;
  }
  const auto status = bounded(call, "status", 500, 400, 599);
  return status ? failed(static_cast<int>(*status), "failed on purpose")
                : failed(400, "status must be one from 400 to 599");
}

}  // namespace

LocalResponse notifications(const Call& call) {
  if (!call.get()) return not_allowed("GET, HEAD");
  const std::optional<std::int64_t> user = call.size() == 1 ? parse_number<std::int64_t>(call.path[0]) : std::nullopt;
  if (!user) return not_found();
  if (shop_find("users", *user) == nullptr) return failed(404, "there is no user " + std::to_string(*user));
  json::array shown;
  std::int64_t unread = 0;
  for (const json::value& each : of_user("notifications", *user)) {
    const bool read = each.at("read").as_bool();
    if (!read) ++unread;
    if (!read || !call.query.flag("unread")) shown.push_back(each);
  }
  const std::size_t count = shown.size();
  return answer(json::object{{"userId", *user},
                             {"unread_count", unread},
                             {"count", count},
                             {"total", count},
                             {"page_size", 20},
                             {"notifications", std::move(shown)}});
}

LocalResponse recommendations(const Call& call, bool v2) {
  if (!call.get()) return not_allowed("GET, HEAD");
  const std::optional<std::int64_t> user = call.size() == 1 ? parse_number<std::int64_t>(call.path[0]) : std::nullopt;
  const json::object* const known = user ? shop_find("recommendations", *user) : nullptr;
  if (known == nullptr)
    return call.size() == 1 ? failed(404, "there is no user " + std::string(call.path[0])) : not_found();
  json::array shown;
  for (const json::value& id : known->at("itemIds").as_array()) {
    const json::object& item = *shop_find("items", id.as_int64());
    shown.push_back(json::object{{"id", id}, {"name", item.at("name")}, {"price", item.at("price")}});
  }
  if (v2) std::ranges::reverse(shown);
  return answer(json::object{{"userId", *user}, {"algorithm", v2 ? "v2" : "v1"}, {"items", std::move(shown)}});
}

LocalResponse analytics(const Call& call) {
  if (call.size() == 1 && (call.path[0] == "slow" || call.path[0] == "fail")) return misbehave(call);
  if (call.size() == 2 && call.path[0] == "stats")
    return call.get() ? user_stats(call.path[1]) : not_allowed("GET, HEAD");
  if (call.size() != 1 || call.path[0] != "events") return not_found();
  if (call.get()) return paged(call, "events", shop_data("events"));
  if (!call.post()) return not_allowed("GET, HEAD, POST");
  const std::optional<json::object> sent = document(call);
  if (!sent) return failed(400, "the body must be a JSON object");
  if (!has_text(*sent, "type")) return failed(400, "an event has a type");
  return created("/analytics/events", 4, *sent, {});
}

}  // namespace gatehouse::cli::shop
