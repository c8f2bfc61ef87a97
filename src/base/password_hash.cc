#include "base/password_hash.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/number.h"
#include "base/sha256.h"

namespace gatehouse {
namespace {

constexpr std::uint32_t kMemory = 19'456, kPasses = 2, kLanes = 1;  // KiB
constexpr std::size_t kSalt = 16, kHash = 32;
// What one attempt to log in may cost.
constexpr std::uint32_t kMostMemory = 262'144, kMostPasses = 32, kMostLanes = 8;
constexpr unsigned kLeastBcrypt = 4, kMostBcrypt = 15;

constexpr std::string_view kArgon2 = "$argon2id$v=19$";

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

bool take_within(std::string_view& text, std::uint32_t least, std::uint32_t most, std::uint32_t& value) {
  return !text.starts_with('0') && take_number(text, value) && value >= least && value <= most;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// base64 without padding, in the one form that its bytes have.
bool is_base64(std::string_view text, std::size_t least, std::size_t most) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() < least || text.size() > most || text.size() % 4 == 1) return false;
  if (text.find_first_not_of(kDigits) != std::string_view::npos) return false;
  const std::size_t spare = text.size() % 4 == 2 ? 4 : text.size() % 4 == 3 ? 2 : 0;  // bits of the last digit
  return kDigits.find(text.back()) % (1U << spare) == 0;
}

std::string check_argon2(std::string_view text) {
  constexpr const char* kForm = "must be of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash";
  constexpr const char* kCost = "asks for more than 256 MiB (m), 32 passes (t) or 8 lanes (p), or for too little";
  if (!take(text, kArgon2)) return kForm;
  if (!take(text, "m=")) return kForm;
  std::uint32_t memory = 0, passes = 0, lanes = 0;
  if (!take_within(text, 8, kMostMemory, memory)) return kCost;
  if (!take(text, ",t=")) return kForm;
  if (!take_within(text, 1, kMostPasses, passes)) return kCost;
  if (!take(text, ",p=")) return kForm;
  if (!take_within(text, 1, kMostLanes, lanes) || memory < 8 * lanes) return kCost;
  if (!take(text, "$")) return kForm;
  const std::size_t end = text.find('$');
  if (end == std::string_view::npos) return kForm;
  // 8 to 48 bytes of salt, 16 to 64 of hash.
  return is_base64(text.substr(0, end), 11, 64) && is_base64(text.substr(end + 1), 22, 86) ? "" : kForm;
}

std::string check_bcrypt(std::string_view text) {
  constexpr const char* kForm = "must be of the form $2b$12$ and 53 letters, digits, dots and slashes";
  text.remove_prefix(4);  // "$2b$"
  if (text.size() != 56 || text[2] != '$') return kForm;
  const auto cost = parse_number<unsigned>(text.substr(0, 2));
  if (!cost) return kForm;
  if (*cost < kLeastBcrypt || *cost > kMostBcrypt) return "has a cost that is not between 4 and 15";
  const bool good =
      std::ranges::all_of(text.substr(3), [](char c) { return is_letter_or_digit(c) || c == '.' || c == '/'; });
  return good ? "" : kForm;
}

bool is_bcrypt(std::string_view text) {
  return text.starts_with("$2a$") || text.starts_with("$2b$") || text.starts_with("$2y$");
}

bool verify_bcrypt(const std::string& hash, std::string_view password) {
  // Its C strings end at a NUL: what stands behind one would not count.
  if (password.find('\0') != std::string_view::npos) return false;
  const auto work = std::make_unique<crypt_data>();
  const std::string text(password);
  const char* const made = ::crypt_r(text.c_str(), hash.c_str(), work.get());
  return made != nullptr && equal_in_constant_time(made, hash);
}

}  // namespace

std::string hash_password(std::string_view password) {
  std::uint8_t salt[kSalt];
  if (RAND_bytes(salt, sizeof salt) != 1) return {};
  std::string text(argon2_encodedlen(kPasses, kMemory, kLanes, kSalt, kHash, Argon2_id), '\0');
  if (argon2id_hash_encoded(kPasses, kMemory, kLanes, password.data(), password.size(), salt, sizeof salt, kHash,
                            text.data(), text.size()) != ARGON2_OK) {
    return {};
  }
  text.resize(text.find('\0'));
  return text;
}

std::string check_password_hash(std::string_view text) {
  if (text.starts_with("$argon2")) return check_argon2(text);
  if (is_bcrypt(text)) return check_bcrypt(text);
  return "must be a hash by argon2id (\"$argon2id$…\") or bcrypt (\"$2b$…\")";
}

bool verify_password(const std::string& hash, std::string_view password) {
  if (is_bcrypt(hash)) return verify_bcrypt(hash, password);
  return argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

}  // namespace gatehouse
