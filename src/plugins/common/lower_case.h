#pragma once
#include <algorithm>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::plugins {

/// Of ASCII alone.
constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// The same of a text, in the arena.
inline std::string_view lower_case(std::string_view text, Arena& arena) {
  char* const room = arena.reserve(text.size());
  std::ranges::transform(text, room, [](char c) { return lower_case(c); });
  return {room, text.size()};
}

}  // namespace gatehouse::plugins
