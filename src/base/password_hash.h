#pragma once
#include <string>
#include <string_view>

namespace gatehouse {

/// A hash of `password` for a configuration: argon2id (RFC 9106) in PHC form, "$argon2id$v=19$m=19456,t=2,p=1$…", with
/// a random salt and the cost that OWASP's cheat sheet on password storage asks for. Takes tens of milliseconds and 19
/// MiB. "" if there is no memory or no randomness. Any thread.
std::string hash_password(std::string_view password);

/// Why `text` is no hash that verify_password() takes; "" if it is one: argon2id in PHC form or bcrypt
/// ("$2a$", "$2b$", "$2y$"), of a cost that one look-up may have.
std::string check_password_hash(std::string_view text);

/// Whether `hash`, which check_password_hash() has passed, is of `password`. Takes as long as the hash says, whatever
/// the password: not for a worker's thread. False too where there is no memory. Any thread.
bool verify_password(const std::string& hash, std::string_view password);

}  // namespace gatehouse
