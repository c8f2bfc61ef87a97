#include "plugins/key_auth/key_table.h"

#include <cstring>

namespace gatehouse::plugins::key_auth {

KeyTable::KeyTable(std::span<const plugin::Credential> credentials, Sha256 (*hash_of)(const config::Node&)) {
  std::size_t size = 2;
  while (size < credentials.size() * 2) size *= 2;
  slots_.resize(size);
  for (const plugin::Credential& credential : credentials) {
    const Sha256 hash = hash_of(*credential.config);
    std::size_t at = home_of(hash) & (size - 1);
    while (slots_[at].credential != nullptr) at = (at + 1) & (size - 1);
    slots_[at] = {hash, &credential};
  }
}

std::size_t KeyTable::home_of(const Sha256& hash) {
  std::size_t home;  // the hash is as good as drawn: any part of it will do
  std::memcpy(&home, hash.data(), sizeof home);
  return home;
}

const plugin::Credential* KeyTable::find(const Sha256& hash) const {
  for (std::size_t at = home_of(hash);; ++at) {
    const Slot& slot = slots_[at & (slots_.size() - 1)];
    if (slot.credential == nullptr) return nullptr;
    if (equal_in_constant_time(bytes_of(slot.hash), bytes_of(hash))) return slot.credential;
  }
}

}  // namespace gatehouse::plugins::key_auth
