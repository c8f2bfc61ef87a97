#include "plugins/rate_limiting/lines.h"

#include <algorithm>
#include <charconv>

#include "base/period.h"

namespace gatehouse::plugins::rate_limiting {

std::string_view joined_lines(const http::Fields& fields, std::string_view name) {
  std::size_t size = 0, count = 0;
  std::string_view only;
  each_line(fields, name, [&](std::string_view value) {
    size += value.size() + 2;
    only = value;
    ++count;
  });
  if (count < 2) return only;
  char* const start = fields.arena().array<char>(size);
  char* to = start;
  each_line(fields, name, [&](std::string_view value) {
    if (to != start) to = std::ranges::copy(std::string_view(", "), to).out;
    to = std::ranges::copy(value, to).out;
  });
  return {start, static_cast<std::size_t>(to - start)};
}

std::optional<std::uint64_t> written_cost(std::string_view text) {
  std::uint64_t cost = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), cost);
  if (fault == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  return fault == std::errc::result_out_of_range ? kMostInPeriod : std::min(cost, kMostInPeriod);
}

}  // namespace gatehouse::plugins::rate_limiting
