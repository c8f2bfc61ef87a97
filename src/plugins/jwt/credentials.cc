#include "plugins/jwt/credentials.h"

#include <algorithm>
#include <optional>

#include "base/base64.h"
#include "base/log.h"
#include "jose/base64url.h"
#include "plugins/jwt/key_documents.h"

namespace gatehouse::plugins::jwt {
namespace {

using config::Node;
using config::Where;
using jose::Algorithm;

struct JwtCredential {
  std::string key;
  std::string algorithm = "HS256";
  config::Secret secret;
  std::string public_key, jwk, jwks;
};

/// base64, or base64url without padding; nullopt: `text` is neither.
std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(base64_room(text.size()), '\0');
  std::size_t size = base64_decode(text, bytes.data());
  if (size == std::string_view::npos) {
    if (!jose::decoded_size(text.size()) || !jose::decode_base64url(text, bytes.data())) return std::nullopt;
    size = *jose::decoded_size(text.size());
  }
  bytes.resize(size);
  return bytes;
}

/// The keys of a credential, or what is wrong and with which key of the mapping.
struct KeysOrFault {
  jose::KeySet keys;
  const char* of = "";
  std::string fault;
};

KeysOrFault one_key(Result<jose::Key> key, const char* of) {
  if (!key) return {{}, of, key.error().detail};
  return {jose::KeySet({std::move(*key)}), of, ""};
}

KeysOrFault make_keys(const JwtCredential& credential, bool secret_is_base64) {
  const Algorithm algorithm = jose::parse_algorithm(credential.algorithm).value_or(Algorithm::HS256);
  if (!credential.secret.value.empty()) {
    if (!jose::kHmac.contains(algorithm)) {
      return {{}, "algorithm", credential.algorithm + " needs a public key; a secret goes with HS256, HS384, HS512"};
    }
    if (!secret_is_base64) return one_key(jose::Key::from_secret(credential.secret.value, algorithm), "secret");
    const std::optional<std::string> bytes = from_base64(credential.secret.value);
    if (!bytes) return {{}, "secret", "must be base64, as secret_is_base64 says"};
    return one_key(jose::Key::from_secret(*bytes, algorithm), "secret");
  }
  if (jose::kHmac.contains(algorithm))
    return {{}, "algorithm", credential.algorithm + " needs a secret; a public key goes with RS*, PS*, ES* and EdDSA"};
  if (!credential.public_key.empty())
    return one_key(jose::Key::from_pem(credential.public_key, algorithm), "public_key");
  if (!credential.jwk.empty()) return one_key(jose::Key::from_jwk(credential.jwk, algorithm), "jwk");
  Result<jose::KeySet> keys = jose::parse_jwks(credential.jwks, algorithm);
  if (!keys) return {{}, "jwks", keys.error().detail};
  if (keys->keys().empty()) {
    const std::string why = keys->skipped() != 0 ? std::string(": ") + keys->skipped_why() : "";
    return {{}, "jwks", "has no key for " + credential.algorithm + why};
  }
  return {std::move(*keys), "jwks", ""};
}

const config::Options<JwtCredential>& credential_options() {
  static const auto table =
      config::Options<JwtCredential>()
          .require("key", &JwtCredential::key, config::non_empty(),
                   "What the claim `key_claim_name` (`iss`) of its tokens says.")
          .add("algorithm", &JwtCredential::algorithm, config::one_of(algorithm_names(jose::kAllAlgorithms)),
               "The only one that its tokens may be signed with.")
          .add("secret", &JwtCredential::secret, config::secret(),
               "For HS256, HS384, HS512: at least 32, 48, 64 bytes.")
          .add("public_key", &JwtCredential::public_key, config::non_empty(),
               "For the others: PEM, of a public key or a certificate.")
          .add("jwk", &JwtCredential::jwk, json_document(), "Instead: the public key as a JWK.")
          .add("jwks", &JwtCredential::jwks, json_document(), "Instead: several public keys as a JWK Set.")
          .check_node([](const JwtCredential& credential, const Node& node, const Where& at) {
            int given = 0;
            for (const char* name : {"secret", "public_key", "jwk", "jwks"}) given += node.find(name) != nullptr;
            if (given != 1) {
              at.error(given == 0 ? "needs one of \"secret\", \"public_key\", \"jwk\" and \"jwks\""
                                  : "must have only one of \"secret\", \"public_key\", \"jwk\" and \"jwks\"");
              return;
            }
            const KeysOrFault made = make_keys(credential, false);
            if (made.fault.empty()) return;
            const Node* const value = node.find(made.of);
            at.key(made.of, value != nullptr ? value->mark() : at.mark()).error(made.fault);
          });
  return table;
}

config::CredentialName name_of(const JwtCredential& credential) {
  return {.unique = credential.key, .shown = credential.key};
}

}  // namespace

config::CredentialInfo credential_info() {
  return config::credential_info(credential_options(), name_of);
}

config::CredentialFault fault_in_base64(const config::Node& written) {
  const JwtCredential credential = credential_options().read(&written);
  if (!make_keys(credential, false).fault.empty()) return {};  // has been told
  KeysOrFault made = make_keys(credential, true);
  return {made.of, std::move(made.fault)};
}

Keyring::Keyring(std::span<const plugin::Credential> credentials, bool secret_is_base64) {
  for (const plugin::Credential& credential : credentials) {
    const JwtCredential read = credential_options().read(credential.config);
    KeysOrFault made = make_keys(read, secret_is_base64);
    if (!made.fault.empty()) {
      // Only where the plugin reads secrets in another way than they were checked: nobody has that key then.
      log::write(log::Level::warn, credential.config->mark().text() + ": " + made.of + ": " + made.fault +
                                       "; no token of \"" + read.key + "\" will pass");
      continue;
    }
    names_.push_back(std::make_unique<const std::string>(read.key));
    entries_.emplace(*names_.back(), Entry{&credential, std::move(made.keys)});
  }
}

const Keyring::Entry* Keyring::find(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace gatehouse::plugins::jwt
