#pragma once
#include <string>
#include <string_view>

#include "config/node.h"

/// What `credential new` and `credential hash` share.
namespace gatehouse::cli {

/// How a secret of one kind of credentials is kept.
struct CredentialKind {
  std::string_view type;    ///< of the credential: "key-auth"
  std::string_view secret;  ///< its key for the secret itself
  std::string_view hash;    ///< its key for the hash; "" where the secret itself is needed to verify
  std::string_view prefix;  ///< of fresh secrets, so that they are recognised where they should not be
};

/// Null for a type that there is not.
const CredentialKind* credential_kind(std::string_view type);

/// What stands in the configuration for `secret`; "" where it cannot be made.
std::string hash_for(const CredentialKind& kind, std::string_view secret);

}  // namespace gatehouse::cli
