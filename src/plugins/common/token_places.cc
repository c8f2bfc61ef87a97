#include "plugins/common/token_places.h"

#include <algorithm>

#include "plugins/common/query_string.h"

namespace gatehouse::plugins {
namespace {

using http::Field;
using http::FieldId;

/// Takes the pair before the first ";" off a Cookie field (RFC 6265 section 4.2.1).
std::string_view next_cookie(std::string_view& rest) {
  const std::size_t end = rest.find(';');
  std::string_view pair = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
  while (!pair.empty() && pair.back() == ' ') pair.remove_suffix(1);
  return pair;
}

bool is_cookie(std::string_view pair, std::string_view name) {
  return pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name);
}

/// "Bearer abc" → "abc"; "" where the scheme is another (RFC 9110 section 11.4).
std::string_view behind_scheme(std::string_view value, std::string_view scheme) {
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return {};
  if (!http::equal_names(value.substr(0, scheme.size()), scheme)) return {};
  value.remove_prefix(scheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return value;
}

class Search {
 public:
  explicit Search(plugin::Exchange& x) : x_(x) {}

  void headers(const TokenPlaces& places) {
    for (const std::string& name : places.headers) {
      const FieldId id = http::field_id(name);
      const bool schemed = id == FieldId::authorization && !places.scheme.empty();
      for (const Field& field : x_.request.fields) {
        if (field.removed || field.id != id || (id == FieldId::other && !http::equal_names(field.name, name))) continue;
        note(schemed ? behind_scheme(field.value, places.scheme) : field.value);
      }
    }
  }
  void parameters(const TokenPlaces& places) {
    for (const std::string& name : places.parameters) {
      for (std::string_view rest = x_.request.query; !rest.empty();) {
        const QueryPart part = next_query_part(rest);
        if (!query_name_is(part.name(), name)) continue;
        std::string_view value = part.rest();
        if (!value.empty()) value.remove_prefix(1);
        note(query_decoded(value, x_.arena));
      }
    }
  }
  void cookies(const TokenPlaces& places) {
    for (const std::string& name : places.cookies) {
      for (const Field& field : x_.request.fields) {
        if (field.removed || field.id != FieldId::cookie) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
          const std::string_view pair = next_cookie(rest);
          if (is_cookie(pair, name)) note(pair.substr(name.size() + 1));
        }
      }
    }
  }
  const TokenFound& result() const { return result_; }

 private:
  bool found() const { return !result_.value.empty(); }
  void note(std::string_view value) {
    if (value.empty()) return;
    result_.repeated = result_.repeated || (found() && value != result_.value);
    result_.value = value;
  }
  plugin::Exchange& x_;
  TokenFound result_;
};

/// The cookies of a field but those of `names`; the field's own text where it has none of them.
std::string_view cookies_without(std::string_view cookies, const std::vector<std::string>& names, Arena& arena) {
  const auto hidden = [&names](std::string_view pair) {
    return std::ranges::any_of(names, [pair](const std::string& name) { return is_cookie(pair, name); });
  };
  const std::size_t most = 2 * cookies.size();  // each ";" may become "; "
  char* const start = arena.reserve(most);
  char* to = start;
  bool changed = false;
  for (std::string_view rest = cookies; !rest.empty();) {
    const std::string_view pair = next_cookie(rest);
    if (hidden(pair)) {
      changed = true;
      continue;
    }
    if (to != start) to = std::ranges::copy(std::string_view("; "), to).out;
    to = std::ranges::copy(pair, to).out;
  }
  const std::size_t size = changed ? static_cast<std::size_t>(to - start) : 0;
  arena.take_back(most - size);
  return changed ? std::string_view(start, size) : cookies;
}

void hide_cookies(plugin::Exchange& x, const std::vector<std::string>& names) {
  for (Field& field : x.request.fields) {
    if (field.removed || field.id != FieldId::cookie) continue;
    field.value = cookies_without(field.value, names, x.arena);
    field.removed = field.value.empty();
  }
}

}  // namespace

TokenFound find_token(plugin::Exchange& x, const TokenPlaces& places) {
  Search search(x);
  search.headers(places);
  search.parameters(places);
  search.cookies(places);
  return search.result();
}

void hide_token(plugin::Exchange& x, const TokenPlaces& places) {
  for (const std::string& name : places.headers) {
    if (http::field_id(name) != FieldId::authorization || places.scheme.empty()) {
      x.request.fields.remove(name);
      continue;
    }
    for (Field& field : x.request.fields) {
      const bool ours = field.id == FieldId::authorization && !behind_scheme(field.value, places.scheme).empty();
      if (ours) field.removed = true;  // those with other schemes are somebody else's
    }
  }
  for (const std::string& name : places.parameters) {
    if (query_has(x.forward_query, name)) x.forward_query = query_without(x.forward_query, name, x.arena);
  }
  if (!places.cookies.empty() && x.request.fields.may_have(FieldId::cookie)) hide_cookies(x, places.cookies);
}

}  // namespace gatehouse::plugins
