#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gatehouse::http::chars {

// Character classes of RFC 9110 and RFC 3986, and the scans that the parsers share. Private to http/.

inline constexpr std::uint8_t kToken = 1;    ///< tchar
inline constexpr std::uint8_t kRegName = 2;  ///< unreserved and sub-delims; "%" is looked at apart
inline constexpr std::uint8_t kDigit = 4;
inline constexpr std::uint8_t kHex = 8;

inline constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> table{};
  auto add = [&table](std::string_view text, std::uint8_t flags) {
    for (const char c : text) table[static_cast<unsigned char>(c)] |= flags;
  };
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", kToken | kRegName);
  add("!#$%&'*+-.^_`|~", kToken);
  add("-._~", kRegName);
  add("!$&'()*+,;=", kRegName);
  add("0123456789", kDigit | kHex);
  add("abcdefABCDEF", kHex);
  return table;
}();

inline bool is(char c, std::uint8_t flags) {
  return (kClass[static_cast<unsigned char>(c)] & flags) != 0;
}

inline bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}
inline bool is_target_char(char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

/// The first position that holds no field-value character (a control but HTAB), or `end`.
inline const char* skip_value(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i top = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, top), block);
    const __m128i bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(block, tab), low), _mm_cmpeq_epi8(block, del));
    if (const int mask = _mm_movemask_epi8(bad); mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && is_value_char(*at)) ++at;
  return at;
}

/// The first position that holds no visible ASCII character or "#", or `end`.
inline const char* skip_target(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i hash = _mm_set1_epi8('#');
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i visible = _mm_cmpgt_epi8(block, space);  // signed: bytes from 0x80 on are below
    const __m128i bad = _mm_or_si128(_mm_cmpeq_epi8(block, del), _mm_cmpeq_epi8(block, hash));
    const int mask = (_mm_movemask_epi8(visible) & ~_mm_movemask_epi8(bad)) ^ 0xffff;
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && is_target_char(*at)) ++at;
  return at;
}

/// The first colon, or `end`.
inline const char* find_colon(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i colon = _mm_set1_epi8(':');
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, colon));
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && *at != ':') ++at;
  return at;
}

inline const char* skip_token(const char* at, const char* end) {
  while (at != end && is(*at, kToken)) ++at;
  return at;
}

}  // namespace gatehouse::http::chars
