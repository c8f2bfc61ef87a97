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

/// JSON, as text or as a mapping: a JWK or a set of them.
config::Value<std::string> json_document();

}  // namespace gatehouse::plugins::jwt
