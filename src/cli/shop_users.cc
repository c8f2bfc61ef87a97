#include <algorithm>

#include "cli/shop_call.h"

namespace gatehouse::cli::shop {
namespace {

json::object shown_user(const json::object& user, bool v2) {
  if (!v2) return user;
  const std::string name(std::string_view(user.at("name").as_string()));
  const std::size_t space = name.find(' ');
  return {{"id", user.at("id")},
          {"version", 2},
          {"name", {{"given", name.substr(0, space)}, {"family", name.substr(space + 1)}}},
          {"email", user.at("email")},
          {"avatar", {{"small", user.at("avatar")}, {"large", user.at("avatar")}}}};
}

/// `fields=id,name` keeps only these.
json::object selected(const Call& call, const json::object& user) {
  const std::string* const fields = call.query.find("fields");
  if (fields == nullptr) return user;
  json::object kept;
  std::string_view rest = *fields;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const json::value* const value = user.if_contains(text(name));
    if (value != nullptr) kept.insert_or_assign(text(name), *value);
  }
  return kept;
}

LocalResponse user_profile(const json::object& user) {
  return answer(json::object{{"userId", user.at("id")},
                             {"name", user.at("name")},
                             {"avatar", user.at("avatar")},
                             {"city", user.at("city")},
                             {"tier", user.at("tier")}});
}

LocalResponse one_user(const Call& call, bool v2) {
  if (!call.get()) return not_allowed("GET, HEAD");
  const std::optional<std::int64_t> id = parse_number<std::int64_t>(call.path[0]);
  const json::object* const user = id ? shop_find("users", *id) : nullptr;
  if (user == nullptr) return failed(404, "there is no user " + std::string(call.path[0]));
  if (call.size() == 1) return answer(selected(call, shown_user(*user, v2)));
  if (call.size() == 2 && call.path[1] == "profile") return user_profile(*user);
  if (call.size() == 2 && call.path[1] == "orders") return user_orders(call, *id);
  return not_found();
}

}  // namespace

LocalResponse user_orders(const Call& call, std::int64_t user) {
  const auto limit = bounded(call, "limit", 100, 1, 100);
  if (!limit) return failed(400, "limit must be a number from 1 to 100");
  json::array orders = filtered(call, of_user("orders", user), "status");
  std::ranges::reverse(orders);  // the newest first
  if (static_cast<std::int64_t>(orders.size()) > *limit) orders.resize(static_cast<std::size_t>(*limit));
  return answer(orders);
}

LocalResponse users(const Call& call, bool v2) {
  if (call.size() != 0) return one_user(call, v2);
  if (call.get()) {
    json::array all;
    for (const json::value& user : shop_data("users")) all.push_back(shown_user(user.get_object(), v2));
    return paged(call, "users", all);
  }
  if (!call.post()) return not_allowed("GET, HEAD, POST");
  const std::optional<json::object> sent = document(call);
  if (!sent) return failed(400, "the body must be a JSON object");
  if (!has_text(*sent, "name") || !has_text(*sent, "email")) return failed(400, "a user has a name and an email");
  return created("/users", 6, *sent, {{"tier", "free"}});
}

}  // namespace gatehouse::cli::shop
