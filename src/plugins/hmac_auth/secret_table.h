#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hmac.h"
#include "base/sha256.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::hmac_auth {

/// The secrets of a configuration, by the name under which clients sign. Immutable, any thread.
class SecretTable {
 public:
  struct Secret {
    Secret(std::string_view secret, const plugin::Credential* of)
        : credential(of),
          keys{{HashKind::sha1, secret},
               {HashKind::sha256, secret},
               {HashKind::sha384, secret},
               {HashKind::sha512, secret}} {}
    HashValue sign(HashKind kind, std::string_view text) const {
      return keys[static_cast<std::size_t>(kind)].sign(text);
    }
    const plugin::Credential* credential;  ///< null for the stand-in
    HmacKey keys[4];                       ///< by HashKind
  };

  void add(std::string name, std::string_view secret, const plugin::Credential& credential) {
    by_name_.try_emplace(std::move(name), secret, &credential);
  }
  /// For a name that is not known a stand-in, with which nothing can be signed: looking takes as long.
  const Secret& find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found != by_name_.end() ? found->second : stand_in_;
  }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, Secret, Hash, std::equal_to<>> by_name_;
  const Secret stand_in_{"", nullptr};
};

/// What a signature came to.
struct Checked {
  const plugin::Credential* credential = nullptr;  ///< whose it is; null: it is not good
  bool missing = false;                            ///< there is none
  std::string_view fault = {};  ///< why it is not good: a literal or in the arena, and nothing about the secret
};

/// Whether `signature` is `secret`'s of `text`; compares in constant time, and nobody has the stand-in's.
inline bool is_signed(const SecretTable::Secret& secret, HashKind kind, std::string_view text,
                      std::string_view signature) {
  const bool same = equal_in_constant_time(secret.sign(kind, text).view(), signature);
  return same && secret.credential != nullptr;
}

}  // namespace gatehouse::plugins::hmac_auth
