#include "io/tls_rules.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace gatehouse::io {
namespace {

/// Authenticated encryption with forward secrecy only; TLS 1.3 has no other.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCurves = "X25519:P-256:P-384";
/// Whatever may be asked for: not what names no peer, and nothing that needs keys which no option gives.
constexpr const char* kUsable = "ALL:!aNULL:!PSK:!SRP:!kDHE";

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Context usable_context() {
  Context context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  SSL_CTX_set_cipher_list(context.get(), kUsable);
  SSL_CTX_set_ciphersuites(context.get(),
                           "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
                           "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256");
  return context;
}

/// Null where the gateway cannot use it.
const SSL_CIPHER* cipher_named(SSL_CTX* usable, std::string_view name) {
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(usable);
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    const SSL_CIPHER* const cipher = sk_SSL_CIPHER_value(all, i);
    const char* const standard = SSL_CIPHER_standard_name(cipher);
    if (name == SSL_CIPHER_get_name(cipher) || (standard != nullptr && name == standard)) return cipher;
  }
  return nullptr;
}

bool is_of_1_3(const SSL_CIPHER* cipher) {
  return std::string_view(SSL_CIPHER_get_version(cipher)) == "TLSv1.3";
}

void add_to(std::string& list, std::string_view name) {
  if (!list.empty()) list += ':';
  list += name;
}

int no_passphrase(char*, int, int, void*) {
  return -1;  // nobody is there to ask
}

}  // namespace

std::vector<TlsRulesFault> check_rules(const TlsRules& rules) {
  using List = TlsRulesFault::List;
  std::vector<TlsRulesFault> faults;
  const Context usable = usable_context();
  for (const std::string& name : rules.ciphers) {
    const SSL_CIPHER* const cipher = cipher_named(usable.get(), name);
    if (cipher == nullptr) {
      faults.push_back({List::ciphers, false, "\"" + name + "\" is no cipher that can be used"});
    } else if (is_of_1_3(cipher) ? !rules.tls13 : !rules.tls12) {
      faults.push_back({List::ciphers, false,
                        "\"" + name + "\" is of TLS " + (is_of_1_3(cipher) ? "1.3" : "1.2") + ", which is not spoken"});
    } else if (SSL_CIPHER_is_aead(cipher) == 0) {
      faults.push_back({List::ciphers, true, "\"" + name + "\" has no authenticated encryption"});
    } else if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa) {
      faults.push_back({List::ciphers, true, "\"" + name + "\" has no forward secrecy"});
    }
  }
  for (const std::string& name : rules.curves) {
    const bool one = name.find_first_of(":?*/ ") == std::string::npos;
    if (!one || SSL_CTX_set1_groups_list(usable.get(), name.c_str()) != 1)
      faults.push_back({List::curves, false, "\"" + name + "\" is no curve that is known, such as X25519 or P-256"});
  }
  return faults;
}

void apply_rules(SSL_CTX* context, const TlsRules& rules) {
  SSL_CTX_set_min_proto_version(context, rules.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, rules.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  const Context usable = usable_context();
  std::string of_1_2, of_1_3, curves;
  for (const std::string& name : rules.ciphers) {
    const SSL_CIPHER* const cipher = cipher_named(usable.get(), name);
    if (cipher != nullptr) add_to(is_of_1_3(cipher) ? of_1_3 : of_1_2, SSL_CIPHER_get_name(cipher));
  }
  for (const std::string& name : rules.curves) add_to(curves, name);
  SSL_CTX_set_cipher_list(context, of_1_2.empty() ? kCiphers12 : of_1_2.c_str());
  if (!of_1_3.empty()) SSL_CTX_set_ciphersuites(context, of_1_3.c_str());
  SSL_CTX_set1_groups_list(context, curves.empty() ? kCurves : curves.c_str());
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

}  // namespace gatehouse::io
