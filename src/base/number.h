#pragma once
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace gatehouse {

/// Takes the decimal number at the front of `text`. False, and `text` is as it was: there is none that `N` can hold.
template <class N>
bool take_number(std::string_view& text, N& to) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), to);
  if (fault != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// The decimal number that the whole of `text` is: without spaces and "+", and of a kind that `N` can hold.
template <class N>
std::optional<N> parse_number(std::string_view text) {
  N value{};
  if (!take_number(text, value) || !text.empty()) return std::nullopt;
  return value;
}

/// The same for an unsigned `N`; what is too large for it is its largest.
template <class N>
std::optional<N> parse_number_or_most(std::string_view text) {
  N value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return fault == std::errc() ? value : std::numeric_limits<N>::max();
}

}  // namespace gatehouse
