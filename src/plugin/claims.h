#pragma once
#include <optional>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::plugin {

/// What a verified token says. Lives until the exchange is over.
class Claims {
 public:
  virtual ~Claims() = default;
  /// The claim as one text: strings as they are, numbers and booleans as JSON writes them, lists joined by ",", objects
  /// as JSON. `path` is a claim's name, or names with "." between for one within another. nullopt: there is none, or it
  /// is null. The text lives as long as the claims or `arena`.
  virtual std::optional<std::string_view> text(std::string_view path, Arena& arena) const = 0;
};

}  // namespace gatehouse::plugin
