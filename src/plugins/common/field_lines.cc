#include "plugins/common/field_lines.h"

#include <algorithm>

namespace gatehouse::plugins {

std::optional<std::string_view> joined_lines(const http::Fields& fields, std::string_view name) {
  std::size_t size = 0, count = 0;
  std::string_view only;
  each_line(fields, name, [&](std::string_view value) {
    size += value.size() + 2;
    only = value;
    ++count;
  });
  if (count == 0) return std::nullopt;
  if (count == 1) return only;
  char* const start = fields.arena().array<char>(size);
  char* to = start;
  each_line(fields, name, [&](std::string_view value) {
    if (to != start) to = std::ranges::copy(std::string_view(", "), to).out;
    to = std::ranges::copy(value, to).out;
  });
  return std::string_view(start, static_cast<std::size_t>(to - start));
}

}  // namespace gatehouse::plugins
