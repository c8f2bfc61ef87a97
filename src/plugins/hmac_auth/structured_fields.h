#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/arena.h"

/// Structured fields (RFC 9651), as far as message signatures need them: dictionaries whose members are inner lists of
/// strings or byte sequences; parameters of all kinds but decimals, dates and display strings. Stricter than the RFC in
/// one point: a key that comes twice is a fault, since two readers might each take another one.
namespace gatehouse::plugins::hmac_auth {

struct BareItem {
  enum class Kind : std::uint8_t { integer, string, token, bytes, boolean };
  Kind kind = Kind::boolean;
  std::string_view text = {};  ///< of a string without its escapes, of a token; bytes decoded
  std::int64_t integer = 0;    ///< 0 or 1 for a boolean
};

struct Parameter {
  std::string_view key;
  BareItem value;
};
using Parameters = std::span<const Parameter>;
/// Null for none.
const BareItem* find_parameter(Parameters parameters, std::string_view key);

struct StringItem {
  std::string_view text;
  Parameters parameters;
};

struct Member {
  std::string_view key;
  bool is_list = false;               ///< an inner list; else a byte sequence
  std::span<const StringItem> items;  ///< of the list
  std::string_view bytes;             ///< decoded
  Parameters parameters;
};

/// So many members, items and parameters each may be there; more is a fault.
inline constexpr std::size_t kMostMembers = 16, kMostItems = 64, kMostParameters = 16;

/// Parses a dictionary, all lines of its field joined by ", ". False where it is none. Everything is in `arena` or part
/// of `text`.
bool parse_dictionary(std::string_view text, Arena& arena, std::span<const Member>& members);

/// The inner list with its parameters as RFC 9651 section 4.1 writes it. In the arena.
std::string_view serialise_list(const Member& member, Arena& arena);
/// One item of it with its parameters.
std::string_view serialise_item(const StringItem& item, Arena& arena);

}  // namespace gatehouse::plugins::hmac_auth
