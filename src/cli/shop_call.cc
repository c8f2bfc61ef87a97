#include "cli/shop_call.h"

#include <algorithm>

namespace gatehouse::cli::shop {

LocalResponse answer(const json::value& value, int status) {
  return {.status = status, .body = pretty(value)};
}

LocalResponse failed(int status, std::string_view message) {
  return answer(json::object{{"error", text(message)}}, status);
}

LocalResponse not_found() {
  return failed(404, "there is nothing at this path");
}

LocalResponse not_allowed(std::string allow) {
  LocalResponse response = failed(405, "this method is not allowed here");
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

std::optional<std::int64_t> bounded(const Call& call, std::string_view name, std::int64_t otherwise, std::int64_t least,
                                    std::int64_t most) {
  const std::string* const written = call.query.find(name);
  if (written == nullptr) return otherwise;
  const std::optional<std::int64_t> value = parse_number<std::int64_t>(*written);
  return value && *value >= least && *value <= most ? value : std::nullopt;
}

json::array filtered(const Call& call, json::array all, std::string_view key) {
  const std::string* const wanted = call.query.find(key);
  if (wanted == nullptr) return all;
  json::array kept;
  for (json::value& each : all) {
    const json::value& value = each.get_object().at(text(key));
    const bool same =
        value.is_string() ? std::string_view(value.get_string()) == *wanted : json::serialize(value) == *wanted;
    if (same) kept.push_back(std::move(each));
  }
  return kept;
}

LocalResponse paged(const Call& call, std::string_view name, const json::array& all) {
  const auto page = bounded(call, "page", 1, 1, 1'000'000);
  const auto page_size = bounded(call, "page_size", 20, 1, 100);
  if (!page || !page_size) return failed(400, "page must be a number from 1 on, page_size one from 1 to 100");
  const auto total = static_cast<std::int64_t>(all.size());
  const std::int64_t from = std::min((*page - 1) * *page_size, total);
  const std::int64_t to = std::min(from + *page_size, total);
  return answer(json::object{{text(name), json::array(all.begin() + from, all.begin() + to)},
                             {"total", total},
                             {"page", *page},
                             {"page_size", *page_size}});
}

LocalResponse found(std::string_view collection, std::string_view id) {
  const std::optional<std::int64_t> value = parse_number<std::int64_t>(id);
  const json::object* const object = value ? shop_find(collection, *value) : nullptr;
  if (object != nullptr) return answer(*object);
  return failed(404, "there is no " + std::string(collection.substr(0, collection.size() - 1)) + " " + std::string(id));
}

json::array of_user(std::string_view collection, std::int64_t user) {
  json::array kept;
  for (const json::value& each : shop_data(collection)) {
    if (each.get_object().at("userId").as_int64() == user) kept.push_back(each);
  }
  return kept;
}

std::optional<json::object> document(const Call& call) {
  json::error_code error;
  json::value value = json::parse(text(call.request.body), error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

bool has_text(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(text(key));
  return value != nullptr && value->is_string() && !value->get_string().empty();
}

LocalResponse created(std::string_view path, std::int64_t id, const json::object& sent, const json::object& added) {
  json::object made{{"id", id}};
  for (const auto& [key, value] : sent) {
    if (key != "id") made.insert_or_assign(key, value);
  }
  for (const auto& [key, value] : added) made.insert_or_assign(key, value);
  LocalResponse response = answer(made, 201);
  response.headers.emplace_back("Location", std::string(path) + "/" + std::to_string(id));
  return response;
}

}  // namespace gatehouse::cli::shop
