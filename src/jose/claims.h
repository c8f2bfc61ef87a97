#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "jose/json.h"

namespace gatehouse::jose {

/// A token's claims, read from its payload. A view: copied freely, valid as long as what it was made from.
///
/// A path is a claim's name, or names with "." between for one within another. A name may have dots itself: the longest
/// name that fits goes first, so "https://example.com/roles" finds the claim of that name.
class ClaimsView {
 public:
  ClaimsView() = default;

  JsonValue root() const { return document_.root(); }
  /// The claim at `path`, which may be null; no value where there is none.
  JsonValue find(std::string_view path) const;
  /// The claim as one text: a string as it is, a number or boolean as it is written, a list of these joined by ",", all
  /// else as JSON without white space. nullopt: there is none, or it is null. Lives as long as the claims and `arena`.
  std::optional<std::string_view> text(std::string_view path, Arena& arena) const;
  /// Finite. nullopt: there is none, it is no number, or one beyond what a double holds.
  std::optional<double> number(std::string_view path) const;
  /// Whether the claim is the string `value` or a list with it, as for aud.
  bool contains(std::string_view path, std::string_view value) const;

 protected:
  explicit ClaimsView(const JsonDocument& document) : document_(document) {}
  friend Result<ClaimsView> parse_claims(std::string_view payload, Arena& arena);

  JsonDocument document_;
};

/// Reads a payload, which must be a JSON object without a name twice in any object. No malloc but for the arena's
/// blocks. The claims live as long as `payload` and `arena`. An error's reason is unauthenticated.
Result<ClaimsView> parse_claims(std::string_view payload, Arena& arena);

/// Claims that own what they are made of, in one piece of memory, and outlive the request. Immutable; any thread.
class Claims : public ClaimsView {
 public:
  explicit Claims(const ClaimsView& claims);
  /// Bytes that it holds.
  std::size_t memory() const { return document_.count * sizeof(JsonNode) + document_.size; }

 private:
  std::unique_ptr<char[]> memory_;
};

}  // namespace gatehouse::jose
