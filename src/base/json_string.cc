#include "base/json_string.h"

#include <algorithm>

#include "base/hex.h"
#include "base/utf8.h"

namespace gatehouse {
namespace {

/// ASCII that stands for itself.
bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

char* put_escaped(char* to, std::uint32_t point) {
  *to++ = '\\';
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  const std::size_t which = point < 0x80 ? kNamed.find(static_cast<char>(point)) : std::string_view::npos;
  if (which != std::string_view::npos) {
    *to++ = kLetters[which];
    return to;
  }
  *to++ = 'u';
  return put_hex(to, point, 4);
}

}  // namespace

char* put_json_escaped(char* to, std::string_view text) {
  constexpr std::uint32_t kReplacement = 0xfffd;
  while (!text.empty()) {
    const auto* const run = std::ranges::find_if_not(text, is_plain);
    to = std::copy(text.begin(), run, to);
    text.remove_prefix(static_cast<std::size_t>(run - text.begin()));
    if (text.empty()) break;
    std::uint32_t point = kReplacement;
    const std::size_t size = decode_utf8(text, point);
    to = size > 1 ? std::copy_n(text.data(), size, to) : put_escaped(to, size == 0 ? kReplacement : point);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return to;
}

void append_json_string(std::string& to, std::string_view text) {
  const std::size_t before = to.size();
  to.resize_and_overwrite(before + kMostJsonBytes * text.size() + 2, [&](char* bytes, std::size_t) {
    char* at = bytes + before;
    *at++ = '"';
    at = put_json_escaped(at, text);
    *at++ = '"';
    return static_cast<std::size_t>(at - bytes);
  });
}

std::string json_string(std::string_view text) {
  std::string to;
  append_json_string(to, text);
  to.shrink_to_fit();
  return to;
}

}  // namespace gatehouse
