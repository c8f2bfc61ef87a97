#pragma once
#include <boost/json/value.hpp>
#include <string>

namespace gatehouse::cli {

/// What the shop has, by collection: users, orders, items, payments, notifications, events: arrays of objects with an
/// `id`.
const boost::json::array& shop_data(std::string_view collection);

/// The object with that id, null if there is none.
const boost::json::object* shop_find(std::string_view collection, std::int64_t id);

/// JSON as people read it: indented, numbers as short as they can be, a newline at the end.
std::string pretty(const boost::json::value& value);

}  // namespace gatehouse::cli
