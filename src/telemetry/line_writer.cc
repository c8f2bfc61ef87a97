#include "telemetry/line_writer.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace gatehouse::telemetry {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

/// Not 0 if one of the eight bytes is below `limit` (at most 0x80); false alarms only beside a true one.
constexpr std::uint64_t any_below(std::uint64_t word, std::uint8_t limit) {
  return (word - kOnes * limit) & ~word & kHighs;
}

/// Whether all eight bytes stand for themselves in a JSON string: printable ASCII without quote and backslash.
bool all_plain(std::uint64_t word) {
  return ((word & kHighs) | any_below(word, 0x20) | any_below(word ^ kOnes * '"', 1) |
          any_below(word ^ kOnes * '\\', 1) | any_below(word ^ kOnes * 0x7f, 1)) == 0;
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}();

bool harmless(std::uint32_t point) {
  return point >= 0xa0 && point != 0x2028 && point != 0x2029;  // below: C0 and C1 controls; ASCII came by kPlain
}

constexpr char kHex[] = "0123456789abcdef";

}  // namespace

template <bool Json>
void LineWriter::escape(std::string_view value) {
  const char* from = value.data();
  const char* const last = from + value.size();
  while (from < last && !full_) {
    // In local variables: a store through a char* could change any member.
    char* to = at_;
    const char* const run = from;
    const char* const stop = from + std::min(last - from, end_ - to);
    while (stop - from >= 8) {
      std::uint64_t word;
      std::memcpy(&word, from, 8);
      if (!all_plain(word)) break;
      std::memcpy(to, &word, 8);
      from += 8;
      to += 8;
    }
    if (from < stop && stop - from < 8 && stop - run >= 8) {
      // The rest is shorter than a word: take the last eight bytes, of which some are there already.
      std::uint64_t word;
      std::memcpy(&word, stop - 8, 8);
      if (all_plain(word)) {
        to += stop - from;
        from = stop;
        std::memcpy(to - 8, &word, 8);
      }
    }
    while (from < stop && kPlain[static_cast<std::uint8_t>(*from)]) *to++ = *from++;
    at_ = to;
    if (from < last) from += escape_one<Json>({from, static_cast<std::size_t>(last - from)});
  }
}

/// Writes the first character of `rest`, which is not plain or does not fit; gives the bytes it had.
template <bool Json>
std::size_t LineWriter::escape_one(std::string_view rest) {
  std::uint32_t point = 0;
  const std::size_t size = decode_utf8(rest, point);
  if (size != 0 && (harmless(point) || kPlain[static_cast<std::uint8_t>(rest[0])])) {
    text(rest.substr(0, size));
    return size;
  }
  if constexpr (Json) {
    switch (size == 0 ? 0xfffd : point) {
      case '"':
        text("\\\"");
        break;
      case '\\':
        text("\\\\");
        break;
      case '\n':
        text("\\n");
        break;
      case '\r':
        text("\\r");
        break;
      case '\t':
        text("\\t");
        break;
      default: {
        const std::uint32_t code = size == 0 ? 0xfffd : point;
        const char escaped[6] = {'\\',           'u', kHex[code >> 12 & 15], kHex[code >> 8 & 15], kHex[code >> 4 & 15],
                                 kHex[code & 15]};
        text({escaped, sizeof escaped});
      }
    }
    return size == 0 ? 1 : size;
  } else {
    const std::size_t bytes = size == 0 ? 1 : size;
    for (std::size_t i = 0; i < bytes; ++i) {
      const auto byte = static_cast<std::uint8_t>(rest[i]);
      const char escaped[4] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      text({escaped, sizeof escaped});
    }
    return bytes;
  }
}

template void LineWriter::escape<true>(std::string_view);
template void LineWriter::escape<false>(std::string_view);

}  // namespace gatehouse::telemetry
