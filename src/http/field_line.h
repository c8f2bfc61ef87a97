#pragma once
#include <cstdint>
#include <string_view>

#include "http/chars.h"
#include "http/field.h"

namespace gatehouse::http {

/// How reading one field line ended. Private to http/.
enum class Line : std::uint8_t {
  incomplete,  ///< valid so far
  field,
  end,  ///< the empty line
  failed,
};

struct FieldLine {
  std::string_view name;
  std::string_view value;
  FieldId id = FieldId::other;
  const char* at =
      nullptr;  ///< after the line; for `failed` the first byte that is wrong, so that a limit before it wins
  const char* error = "";
};

/// Reads the line at `at` (RFC 9112 section 5), strictly. The verdict depends only on the bytes up to `line.at`.
inline Line read_field_line(const char* at, const char* end, FieldLine& line) {
  auto failed = [&line](const char* where, const char* why) {
    line.at = where;
    line.error = why;
    return Line::failed;
  };
  if (at == end) return Line::incomplete;
  if (*at == '\r') {
    if (end - at < 2) return Line::incomplete;
    if (at[1] != '\n') return failed(at + 1, "CR without LF");
    line.at = at + 2;
    return Line::end;
  }
  const char* const colon = chars::find_colon(at, end);
  line.name = std::string_view(at, static_cast<std::size_t>(colon - at));
  line.id = colon != end ? field_id(line.name) : FieldId::other;
  if (line.id == FieldId::other) {  // the names that we know are tokens
    const char* const stop = chars::skip_token(at, colon);
    if (stop != colon || stop == at) {
      if (stop == end) return Line::incomplete;
      if (stop == at && *at == ':') return failed(at, "empty field name");
      if (stop == at && (*at == ' ' || *at == '\t')) return failed(at, "line folding or space before a field");
      if (*stop == ' ' || *stop == '\t') return failed(stop, "space in or after a field name");
      return failed(stop,
                    *stop == '\r' || *stop == '\n' ? "field line without colon" : "bad character in a field name");
    }
    if (colon == end) return Line::incomplete;
  }
  const char* start = colon + 1;
  while (start != end && (*start == ' ' || *start == '\t')) ++start;
  const char* const stop = chars::skip_value(start, end);
  if (stop == end) return Line::incomplete;
  if (*stop != '\r') return failed(stop, *stop == '\n' ? "LF without CR" : "control character in a field value");
  if (end - stop < 2) return Line::incomplete;
  if (stop[1] != '\n') return failed(stop + 1, "CR without LF");
  const char* last = stop;
  while (last != start && (last[-1] == ' ' || last[-1] == '\t')) --last;
  line.value = std::string_view(start, static_cast<std::size_t>(last - start));
  line.at = stop + 2;
  return Line::field;
}

}  // namespace gatehouse::http
