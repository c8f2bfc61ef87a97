#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/options.h"
#include "jose/key_set.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::jwt {

/// What a consumer's credential of the type jwt says: whose tokens, and the key that they are signed with.
config::CredentialInfo credential_info();

/// What more is wrong with a credential where secrets are read as base64.
config::CredentialFault fault_in_base64(const config::Node& written);

/// The consumers' keys by what tokens call them (`key`). Immutable, any thread.
class Keyring {
 public:
  struct Entry {
    const plugin::Credential* credential = nullptr;
    jose::KeySet keys;
  };
  Keyring(std::span<const plugin::Credential> credentials, bool secret_is_base64);
  /// Null for none.
  const Entry* find(std::string_view key) const;

 private:
  std::unordered_map<std::string_view, Entry> entries_;
  std::vector<std::unique_ptr<const std::string>> names_;
};

}  // namespace gatehouse::plugins::jwt
