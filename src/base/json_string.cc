#include "base/json_text.h"

#include <algorithm>

#include "base/hex.h"
#include "base/utf8.h"

namespace gatehouse {
namespace {

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

char* put_json_text(char* to, std::string_view text) {
  constexpr std::uint32_t kReplacement = 0xfffd;
  while (!text.empty()) {
    std::uint32_t point = kReplacement;
    const std::size_t size = decode_utf8(text, point);
    const bool plain = point >= 0x20 && point != 0x7f && point != '"' && point != '\\';
    to = size != 0 && plain ? std::copy_n(text.data(), size, to) : put_escaped(to, size == 0 ? kReplacement : point);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return to;
}

std::string json_string(std::string_view text) {
  std::string to(kMostJsonBytes * text.size() + 2, '"');
  char* const end = put_json_text(to.data() + 1, text);
  *end = '"';
  to.resize(static_cast<std::size_t>(end + 1 - to.data()));
  return to;
}

}  // namespace gatehouse
