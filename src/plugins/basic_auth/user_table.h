#pragma once
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/sha256.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::basic_auth {

struct User {
  std::string name;
  std::string hash;  ///< argon2id or bcrypt; "" where the configuration has the password itself …
  Sha256 plain{};    ///< … and then this is its hash
  const plugin::Credential* credential = nullptr;
};

/// The users of a configuration by name. Immutable, any thread.
class UserTable {
 public:
  explicit UserTable(std::vector<User> users);

  /// Null for none.
  const User* find(std::string_view name) const;
  /// Who is looked at in the place of somebody unknown, so that this takes as long: always the same for a name, each
  /// user as likely as the others. Null where there are no users.
  const User* stand_in(std::string_view name) const;

 private:
  const std::vector<User> users_;
  std::unordered_map<std::string_view, const User*> by_name_;
};

}  // namespace gatehouse::plugins::basic_auth
