#pragma once
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/query.h"
#include "base/number.h"
#include "cli/shop_data.h"
#include "engine/local_server.h"

/// What the shop's services are made of (shop.h says what they answer).
namespace gatehouse::cli::shop {

namespace json = boost::json;
using engine::LocalRequest;
using engine::LocalResponse;

/// One request, taken apart.
struct Call {
  const LocalRequest& request;
  admin::Query query;
  std::vector<std::string_view> path;  ///< segments, without empty ones and without the collection in front

  bool get() const { return request.method == "GET"; }
  bool post() const { return request.method == "POST"; }
  std::size_t size() const { return path.size(); }
};

inline json::string_view text(std::string_view view) {
  return {view.data(), view.size()};
}
/// A number from the query, `otherwise` where it is absent, nullopt where it is none or out of [least, most].
std::optional<std::int64_t> bounded(const Call& call, std::string_view name, std::int64_t otherwise, std::int64_t least,
                                    std::int64_t most);
/// The body as an object; nullopt where it is none.
std::optional<json::object> document(const Call& call);
/// Whether there is a non-empty string under `key`.
bool has_text(const json::object& object, std::string_view key);
/// Those of a collection that belong to a user.
json::array of_user(std::string_view collection, std::int64_t user);
/// The objects of `all` whose `key` is what the query asks for, all where it asks for nothing.
json::array filtered(const Call& call, json::array all, std::string_view key);

LocalResponse answer(const json::value& value, int status = 200);
LocalResponse failed(int status, std::string_view message);
LocalResponse not_found();
LocalResponse not_allowed(std::string allow);
/// A page of `all` under `name`, with total, page and page_size.
LocalResponse paged(const Call& call, std::string_view name, const json::array& all);
/// The object with the id in the path, or 404.
LocalResponse found(std::string_view collection, std::string_view id);
/// 201 with what was sent, an id in front and a place to find it, had it been kept.
LocalResponse created(std::string_view path, std::int64_t id, const json::object& sent, const json::object& added);

LocalResponse users(const Call& call, bool v2);
/// The orders of a user, the newest first; `status` and `limit` in the query.
LocalResponse user_orders(const Call& call, std::int64_t user);
LocalResponse orders(const Call& call);
LocalResponse items(const Call& call);
LocalResponse payments(const Call& call);
LocalResponse notifications(const Call& call);
LocalResponse recommendations(const Call& call, bool v2);
LocalResponse analytics(const Call& call);

}  // namespace gatehouse::cli::shop
