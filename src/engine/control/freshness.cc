#include "engine/control/freshness.h"

#include <algorithm>

#include "base/number.h"
#include "http/field.h"

namespace gatehouse::engine {
namespace {

using std::chrono::seconds;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// delta-seconds (RFC 9111 section 1.2.2), also in quotes; what is too large is the largest.
std::optional<seconds> delta(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) text = text.substr(1, text.size() - 2);
  const auto value = parse_number_or_most<std::uint32_t>(text);
  return value ? std::optional(seconds(*value)) : std::nullopt;
}

}  // namespace

std::optional<Duration> freshness(std::string_view cache_control, std::string_view age) {
  std::optional<Duration> fresh;
  while (!cache_control.empty()) {
    const std::size_t comma = std::min(cache_control.find(','), cache_control.size());
    const std::string_view directive = trimmed(cache_control.substr(0, comma));
    cache_control.remove_prefix(std::min(comma + 1, cache_control.size()));
    const std::size_t equals = std::min(directive.find('='), directive.size());
    const std::string_view name = directive.substr(0, equals);
    if (http::equal_names(directive, "no-store") || http::equal_names(directive, "no-cache")) return Duration::zero();
    if (!http::equal_names(name, "max-age")) continue;
    const Duration given = delta(directive.substr(std::min(equals + 1, directive.size()))).value_or(seconds(0));
    fresh = fresh ? std::min(*fresh, given) : given;
  }
  if (!fresh) return std::nullopt;
  return std::max(Duration::zero(), *fresh - Duration(delta(trimmed(age)).value_or(seconds(0))));
}

}  // namespace gatehouse::engine
