#include "plugins/basic_auth/user_table.h"

#include <utility>

#include "base/keyed_hash.h"

namespace gatehouse::plugins::basic_auth {

UserTable::UserTable(std::vector<User> users) : users_(std::move(users)) {
  for (const User& user : users_) by_name_.emplace(user.name, &user);
}

const User* UserTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? found->second : nullptr;
}

const User* UserTable::stand_in(std::string_view name) const {
  return users_.empty() ? nullptr : &users_[keyed_hash(name).low % users_.size()];
}

}  // namespace gatehouse::plugins::basic_auth
