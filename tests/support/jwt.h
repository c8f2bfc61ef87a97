#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace gatehouse::test {

/// A key that signs tokens, made for a test. Algorithms go by their names in `alg`; nothing here is Gatehouse's own
/// code, so what it signs is OpenSSL's view of the matter. A copy is the same key.
class SigningKey {
 public:
  static SigningKey secret(std::string bytes);
  static SigningKey rsa(int bits = 2048);
  static SigningKey rsa_pss();  ///< of the type that is for PSS only
  /// `curve` is P-256, P-384, P-521 or any other of OpenSSL's.
  static SigningKey ec(std::string_view curve = "P-256");
  static SigningKey ed25519();
  /// One that fits `algorithm`; for RSA always the same one, since making it takes long.
  static SigningKey fit_for(std::string_view algorithm);

  /// The signature as bytes, in JWS's form. Ends the process where key and algorithm do not go together. `salt` is the
  /// length of PSS's salt, -1 for the hash's.
  std::string sign(std::string_view algorithm, std::string_view text, int salt = -1) const;

  std::string public_pem() const;       ///< BEGIN PUBLIC KEY
  std::string rsa_public_pem() const;   ///< BEGIN RSA PUBLIC KEY
  std::string certificate_pem() const;  ///< BEGIN CERTIFICATE, signed by itself
  std::string private_pem() const;      ///< BEGIN PRIVATE KEY
  std::string public_der() const;       ///< SubjectPublicKeyInfo
  /// The public key, or the secret, as a JWK. `more` are members in front: R"("kid":"1","use":"sig")".
  std::string jwk(std::string_view more = "") const;

 private:
  explicit SigningKey(evp_pkey_st* key);

  std::string secret_;
  std::shared_ptr<evp_pkey_st> key_;
};

/// Without padding.
std::string base64url(std::string_view bytes);

/// A compact JWS with exactly this header and payload.
std::string jws(const SigningKey& key, std::string_view algorithm, std::string_view header, std::string_view payload);
/// A JWT of these claims (JSON); `kid` "" for none.
std::string jwt(const SigningKey& key, std::string_view algorithm, std::string_view claims, std::string_view kid = "");
/// A JWK Set of these JWKs.
std::string jwks(const std::vector<std::string>& keys);

}  // namespace gatehouse::test
