#include "plugins/cors/origins.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

#include "config/value_kinds.h"
#include "http/field.h"

namespace gatehouse::plugins::cors {
namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_scheme(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return (is_host_char(c) && c != '_') || c == '+'; });
}

/// Decimal, without the scheme's own port, which browsers leave out.
bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Parts {
  std::string_view scheme, host, port;
};

/// scheme://host[:port] with a host of names, numbers or in brackets.
std::optional<Parts> parts_of(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || !is_scheme(text.substr(0, end))) return std::nullopt;
  Parts parts{text.substr(0, end), text.substr(end + 3), {}};
  const bool brackets = parts.host.starts_with('[');
  const std::size_t after = brackets ? parts.host.find(']') : 0;
  if (after == std::string_view::npos) return std::nullopt;
  if (const std::size_t colon = parts.host.find(':', after); colon != std::string_view::npos) {
    parts.port = parts.host.substr(colon + 1);
    parts.host = parts.host.substr(0, colon);
    if (!is_port(parts.port)) return std::nullopt;
  }
  const auto inside = [](char c) { return is_host_char(c) || c == ':'; };
  const bool good = brackets
                        ? parts.host.ends_with(']') && std::all_of(parts.host.begin() + 1, parts.host.end() - 1, inside)
                        : std::all_of(parts.host.begin(), parts.host.end(), is_host_char);
  return good && !parts.host.empty() ? std::optional(parts) : std::nullopt;
}

/// The origin with its wildcard taken out: "https://*.a.test" gives "https://a.test".
std::string without_wildcard(std::string_view text) {
  const std::size_t at = text.find("://*.");
  if (at == std::string_view::npos) return {};
  return std::string(text.substr(0, at + 3)).append(text.substr(at + 5));
}

/// As browsers write it: lower case, no default port.
std::string normalised(const Parts& parts) {
  const std::string scheme = config::lower(parts.scheme);
  const bool usual = (scheme == "http" && parts.port == "80") || (scheme == "https" && parts.port == "443");
  const std::string port = parts.port.empty() || usual ? "" : ":" + std::string(parts.port);
  return scheme + "://" + config::lower(parts.host) + port;
}

bool is_wildcard(std::string_view text) {
  const std::string rest = without_wildcard(text);
  return !rest.empty() && parts_of(rest).has_value();
}

/// The pattern of an entry that is a regex, nullopt for others.
std::optional<std::string_view> regex_of(std::string_view text) {
  if (text.starts_with('~')) return text.substr(1);
  if (text == "*" || parts_of(text) || is_wildcard(text)) return std::nullopt;
  const auto of_origins = [](char c) { return is_host_char(c) || c == ':' || c == '/'; };
  if (std::all_of(text.begin(), text.end(), of_origins)) return std::nullopt;
  return text;
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && http::equal_names(text.substr(0, start.size()), start);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && http::equal_names(text.substr(text.size() - end.size()), end);
}

}  // namespace

std::string check_origin(std::string_view text) {
  if (text == "*" || text == "null") return "";
  if (const auto pattern = regex_of(text)) {
    if (pattern->empty()) return "must have a regex behind \"~\"";
    const std::string fault = config::check_regex(*pattern);
    return fault.empty() ? "" : "must be an origin or a regex (" + fault + ")";
  }
  if (parts_of(text) || is_wildcard(text)) return "";
  return "must be an origin (scheme://host[:port], without a path), \"*\", or \"~\" and a regex";
}

struct OriginList::Regexes {
  std::vector<std::unique_ptr<RE2>> items;
};

OriginList::OriginList(const std::vector<std::string>& entries) : regexes_(std::make_unique<Regexes>()) {
  for (const std::string& entry : entries) {
    if (entry == "*") {
      any_ = true;
    } else if (const auto pattern = regex_of(entry)) {
      regexes_->items.push_back(std::make_unique<RE2>(re2::StringPiece(pattern->data(), pattern->size()), RE2::Quiet));
    } else if (is_wildcard(entry)) {
      const std::string rest = without_wildcard(entry);
      const Parts parts = *parts_of(rest);
      const std::size_t scheme = parts.scheme.size() + 3;
      const std::string plain = normalised(parts);
      wildcards_.push_back({plain.substr(0, scheme), "." + plain.substr(scheme)});
    } else {
      const auto parts = parts_of(entry);
      exact_.push_back(parts ? normalised(*parts) : entry);
    }
  }
}

OriginList::~OriginList() = default;

bool OriginList::matches(std::string_view origin) const {
  if (origin.empty()) return false;
  if (any_) return true;
  for (const std::string& exact : exact_) {
    if (http::equal_names(exact, origin)) return true;
  }
  for (const Wildcard& each : wildcards_) {
    if (origin.size() <= each.before.size() + each.after.size()) continue;
    if (!starts_with(origin, each.before) || !ends_with(origin, each.after)) continue;
    const std::string_view labels =
        origin.substr(each.before.size(), origin.size() - each.before.size() - each.after.size());
    if (std::all_of(labels.begin(), labels.end(), is_host_char) && !labels.starts_with('.')) return true;
  }
  const auto whole = [&](const auto& regex) {
    return RE2::FullMatch(re2::StringPiece(origin.data(), origin.size()), *regex);
  };
  return std::any_of(regexes_->items.begin(), regexes_->items.end(), whole);
}

}  // namespace gatehouse::plugins::cors
