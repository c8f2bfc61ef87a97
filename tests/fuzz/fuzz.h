#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::fuzz {

/// Ends the process, as a crash does, where an invariant does not hold.
inline void require(bool holds, const char* what, std::source_location at = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold: %s\n", at.file_name(), static_cast<unsigned>(at.line()), what);
  std::abort();
}

/// The same for two texts that must be equal; prints both.
inline void require_equal(std::string_view a, std::string_view b, const char* what,
                          std::source_location at = std::source_location::current()) {
  if (a == b) return;
  std::fprintf(stderr, "--- one\n%.*s\n--- other\n%.*s\n---\n", static_cast<int>(a.size()), a.data(),
               static_cast<int>(b.size()), b.data());
  require(false, what, at);
}

/// Choices that depend on nothing but the input, so that a corpus stays readable: no byte of it is an instruction.
class Dice {
 public:
  explicit Dice(std::string_view input) {
    for (const char c : input) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;  // FNV-1a
    state_ |= 1;
  }
  /// 0 to `sides` - 1.
  std::size_t roll(std::size_t sides) {
    state_ ^= state_ << 13;  // xorshift
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>(state_ % sides);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ull;
};

/// Cuts `input` into pieces of random sizes, most of them small.
inline std::vector<std::string_view> pieces_of(std::string_view input, Dice& dice) {
  std::vector<std::string_view> pieces;
  while (!input.empty()) {
    const std::size_t most = dice.roll(3) == 0 ? 200 : 5;
    pieces.push_back(input.substr(0, 1 + dice.roll(most)));
    input.remove_prefix(pieces.back().size());
  }
  return pieces;
}
inline std::vector<std::string_view> bytes_of(std::string_view input) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < input.size(); ++i) pieces.push_back(input.substr(i, 1));
  return pieces;
}

/// What stands between the `separator`s of `text`; one piece more than there are separators.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace gatehouse::fuzz
