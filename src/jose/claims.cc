#include "jose/claims.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/number.h"

namespace gatehouse::jose {
namespace {

JsonValue find_in(JsonValue object, std::string_view path) {
  if (const JsonValue found = object.member(path)) return found;
  for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0; dot = path.rfind('.', dot - 1)) {
    const JsonValue outer = object.member(path.substr(0, dot));
    if (!outer.is(JsonKind::object)) continue;
    if (const JsonValue found = find_in(outer, path.substr(dot + 1))) return found;
  }
  return {};
}

bool is_scalar(JsonValue value) {
  return !value.is(JsonKind::array) && !value.is(JsonKind::object);
}

/// `json` without the white space between its parts.
std::string_view compact(std::string_view json, Arena& arena) {
  if (json.find_first_of(" \t\r\n") == std::string_view::npos) return json;
  char* const start = arena.reserve(json.size());
  char* to = start;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted && c == '\\') {
      *to++ = c;
      *to++ = json[++i];
      continue;
    }
    if (c == '"') quoted = !quoted;
    if (quoted || (c != ' ' && c != '\t' && c != '\r' && c != '\n')) *to++ = c;
  }
  const auto size = static_cast<std::size_t>(to - start);
  arena.take_back(json.size() - size);
  return {start, size};
}

std::string_view join(JsonValue list, Arena& arena) {
  std::size_t size = 0;
  for (const JsonValue item : list) size += item.text().size() + 1;
  if (size == 0) return "";
  char* const start = arena.reserve(size);
  char* to = start;
  for (const JsonValue item : list) {
    if (to != start) *to++ = ',';
    const std::string_view text = item.text();
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  }
  return {start, static_cast<std::size_t>(to - start)};
}

}  // namespace

JsonValue ClaimsView::find(std::string_view path) const {
  return find_in(root(), path);
}

std::optional<std::string_view> ClaimsView::text(std::string_view path, Arena& arena) const {
  const JsonValue value = find(path);
  switch (value.kind()) {
    case JsonKind::none:
    case JsonKind::null:
      return std::nullopt;
    case JsonKind::string:
    case JsonKind::number:
    case JsonKind::boolean:
      return value.text();
    case JsonKind::array:
      for (const JsonValue item : value) {
        if (!is_scalar(item)) return compact(value.text(), arena);
      }
      return join(value, arena);
    case JsonKind::object:
      return compact(value.text(), arena);
  }
  return std::nullopt;
}

std::optional<double> ClaimsView::number(std::string_view path) const {
  const JsonValue value = find(path);
  if (!value.is(JsonKind::number)) return std::nullopt;
  const std::string_view text = value.text();
  // Times are whole numbers, which are read in a fraction of the time.
  if (const auto whole = parse_number<std::int64_t>(text)) return static_cast<double>(*whole);
  const auto number = parse_number<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

bool ClaimsView::contains(std::string_view path, std::string_view value) const {
  const JsonValue claim = find(path);
  if (claim.is(JsonKind::string)) return claim.text() == value;
  if (!claim.is(JsonKind::array)) return false;
  for (const JsonValue item : claim) {
    if (item.is(JsonKind::string) && item.text() == value) return true;
  }
  return false;
}

Result<ClaimsView> parse_claims(std::string_view payload, Arena& arena) {
  const auto refuse = [](const char* detail) {
    return fail({.reason = Reason::unauthenticated, .source = Source::downstream, .detail = detail});
  };
  const auto document = parse_json(payload, arena);
  if (!document) return refuse("the token's claims are not sound JSON");
  if (!document->root().is(JsonKind::object)) return refuse("the token's claims are not a JSON object");
  return ClaimsView(*document);
}

Claims::Claims(const ClaimsView& claims) : ClaimsView(claims) {
  const std::size_t nodes = document_.count * sizeof(JsonNode);
  memory_ = std::make_unique_for_overwrite<char[]>(nodes + document_.size);
  if (document_.count == 0) return;
  std::memcpy(memory_.get(), document_.nodes, nodes);
  std::memcpy(memory_.get() + nodes, document_.bytes, document_.size);
  document_.nodes = reinterpret_cast<const JsonNode*>(memory_.get());
  document_.bytes = memory_.get() + nodes;
}

}  // namespace gatehouse::jose
