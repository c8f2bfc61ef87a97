#include "io/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <cstring>
#include <utility>

namespace gatehouse::io {
namespace {

bool prepare(const TicketKeys::Key& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seal) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac), sizeof key.mac),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("sha256"), 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1 &&
         EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher, iv, seal ? 1 : 0) == 1;
}

/// OpenSSL's protocol: 1 is good, 2 good but to be renewed, 0 unknown (a full handshake), -1 an error.
int seal_or_open(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const TicketKeys::Set* const keys = TicketKeys::shared().at(steady_now());
  if (keys == nullptr) return -1;
  if (seal != 0) {
    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1 || !prepare(keys->current, iv, cipher, mac, true)) return -1;
    std::memcpy(name, keys->current.name, sizeof keys->current.name);
    return 1;
  }
  const bool current = std::memcmp(name, keys->current.name, sizeof keys->current.name) == 0;
  const bool previous =
      !current && keys->has_previous && std::memcmp(name, keys->previous.name, sizeof keys->previous.name) == 0;
  if (!current && !previous) return 0;
  if (!prepare(current ? keys->current : keys->previous, iv, cipher, mac, false)) return -1;
  // In TLS 1.3 a ticket serves once (RFC 8446 appendix C.4): who shows one gets another.
  return current && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

}  // namespace

TicketKeys& TicketKeys::shared() {
  static TicketKeys keys;
  return keys;
}

void TicketKeys::use_for(SSL_CTX* context) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, seal_or_open);
  SSL_CTX_set_timeout(context, std::chrono::duration_cast<std::chrono::seconds>(kRotation).count());
}

void TicketKeys::wipe(const Set* set) {
  if (set == nullptr) return;
  OPENSSL_cleanse(const_cast<Set*>(set), sizeof(Set));
  delete set;
}

TicketKeys::~TicketKeys() {
  const Set* const last = set_.load(std::memory_order_acquire);
  if (last == nullptr) return;
  wipe(last->before);
  wipe(last);
}

const TicketKeys::Set* TicketKeys::at(TimePoint now) {
  const Set* seen = set_.load(std::memory_order_acquire);
  if (seen != nullptr && now < deadline_after(seen->made, kRotation)) return seen;
  auto* const fresh = new Set{};
  Key& key = fresh->current;
  if (RAND_bytes(key.name, sizeof key.name) != 1 || RAND_priv_bytes(key.cipher, sizeof key.cipher) != 1 ||
      RAND_priv_bytes(key.mac, sizeof key.mac) != 1) {
    wipe(fresh);
    return nullptr;
  }
  fresh->made = now;
  fresh->before = seen;
  // A key that has not been used for two rotations opens nothing any more.
  fresh->has_previous = seen != nullptr && now < deadline_after(seen->made, 2 * kRotation);
  if (fresh->has_previous) fresh->previous = seen->current;
  if (set_.compare_exchange_strong(seen, fresh, std::memory_order_acq_rel)) {
    if (fresh->before != nullptr) wipe(std::exchange(const_cast<Set*>(fresh->before)->before, nullptr));
    return fresh;
  }
  wipe(fresh);
  return seen;  // another thread was quicker
}

}  // namespace gatehouse::io
