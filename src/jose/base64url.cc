#include "jose/base64url.h"

#include <array>
#include <cstdint>

namespace gatehouse::jose {
namespace {

constexpr std::uint8_t kNone = 0x80;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

bool decode_base64url(std::string_view text, char* to) {
  const auto* from = reinterpret_cast<const unsigned char*>(text.data());
  unsigned wrong = 0;
  for (std::size_t left = text.size() / 4; left > 0; --left, from += 4, to += 3) {
    const unsigned a = kValues[from[0]], b = kValues[from[1]], c = kValues[from[2]], d = kValues[from[3]];
    wrong |= a | b | c | d;
    const unsigned bits = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<char>(bits >> 16);
    to[1] = static_cast<char>(bits >> 8);
    to[2] = static_cast<char>(bits);
  }
  switch (text.size() % 4) {
    case 0:
      break;
    case 2: {
      const unsigned a = kValues[from[0]], b = kValues[from[1]];
      wrong |= a | b | ((b & 0x0f) != 0 ? kNone : 0u);
      to[0] = static_cast<char>(a << 2 | b >> 4);
      break;
    }
    case 3: {
      const unsigned a = kValues[from[0]], b = kValues[from[1]], c = kValues[from[2]];
      wrong |= a | b | c | ((c & 0x03) != 0 ? kNone : 0u);
      to[0] = static_cast<char>(a << 2 | b >> 4);
      to[1] = static_cast<char>(b << 4 | c >> 2);
      break;
    }
    default:
      return false;
  }
  return (wrong & kNone) == 0;
}

std::optional<std::string_view> decode_base64url(std::string_view text, Arena& arena) {
  const auto size = decoded_size(text.size());
  if (!size) return std::nullopt;
  char* to = arena.reserve(*size);
  if (!decode_base64url(text, to)) return std::nullopt;
  return std::string_view(to, *size);
}

}  // namespace gatehouse::jose
