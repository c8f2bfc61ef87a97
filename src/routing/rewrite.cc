#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstring>

#include "routing/regex.h"
#include "routing/router.h"

namespace gatehouse::routing {
namespace {

/// Calls literal(text) and capture(name) for the parts of a template; "" or what is wrong with it.
template <class Literal, class Capture>
std::string each_part(std::string_view text, Literal&& literal, Capture&& capture) {
  while (!text.empty()) {
    const std::size_t brace = text.find('{');
    if (brace != 0) literal(text.substr(0, brace));
    if (brace == std::string_view::npos) return {};
    text.remove_prefix(brace);
    if (text.starts_with("{{")) {
      literal(text.substr(0, 1));
      text.remove_prefix(2);
      continue;
    }
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return "has \"{\" without \"}\"; a literal brace is written \"{{\"";
    capture(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
  }
  return {};
}

class TemplateRewrite final : public PathRewrite {
 public:
  explicit TemplateRewrite(Template path) : path_(std::move(path)) {}
  std::string_view apply(std::string_view, const Captures& captures, Arena& arena) const override {
    const std::string_view path = path_.apply(captures, arena);
    return path.starts_with('/') ? path : arena.concat("/", path);
  }

 private:
  Template path_;
};

/// Each match may look at all that is left of the path, so that many would take long: a path with more is refused.
constexpr int kMostMatches = 64;

/// Replaces every match, as sed's s///g does. Uses nothing but the arena.
class RegexRewrite final : public PathRewrite {
 public:
  RegexRewrite(std::string_view pattern, std::string_view replace) : regex_(pattern) {
    std::string literal;
    for (std::size_t i = 0; i < replace.size(); ++i) {
      if (replace[i] != '\\' || i + 1 == replace.size()) {
        literal += replace[i];
      } else if (const char next = replace[++i]; next >= '0' && next <= '9') {
        parts_.push_back({std::move(literal), next - '0'});
        literal.clear();
        groups_ = std::max(groups_, next - '0' + 1);
      } else {
        literal += next;
      }
    }
    parts_.push_back({std::move(literal), -1});
  }

  std::string_view apply(std::string_view path, const Captures&, Arena& arena) const override {
    auto* const found = arena.array<Found>(kMostMatches);
    const int count = find(path, found);
    if (count > kMostMatches) return {};
    std::size_t size = 1;  // for a slash in front
    each_piece(path, found, count, [&](std::string_view piece) { size += piece.size(); });
    char* const start = arena.reserve(size);
    char* to = start + 1;
    each_piece(path, found, count, [&](std::string_view piece) {
      if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
      to += piece.size();
    });
    if (size > 1 && start[1] == '/') return {start + 1, size - 1};
    *start = '/';
    return {start, size};
  }

 private:
  struct Part {
    std::string literal;
    int group;  ///< -1: only the literal
  };
  /// A match: what each group took, 0 being the whole.
  struct Found {
    std::string_view groups[10];
  };

  /// Fills in the matches, left to right; their number, at most kMostMatches + 1.
  int find(std::string_view path, Found* found) const {
    const re2::StringPiece text(path.data(), path.size());
    re2::StringPiece groups[10];
    std::size_t from = 0;  // from here the next match is looked for
    std::size_t last_end = std::string_view::npos;
    int count = 0;
    while (from <= path.size() &&
           regex_.compiled().Match(text, from, path.size(), re2::RE2::UNANCHORED, groups, groups_)) {
      const std::size_t start = static_cast<std::size_t>(groups[0].data() - path.data());
      const std::size_t end = start + groups[0].size();
      if (groups[0].empty() && start == last_end) {  // an empty match right behind a match does not count
        from = end + 1;
        continue;
      }
      if (count == kMostMatches) return count + 1;
      for (int i = 0; i < groups_; ++i) found[count].groups[i] = {groups[i].data(), groups[i].size()};
      ++count;
      last_end = end;
      from = groups[0].empty() ? end + 1 : end;
    }
    return count;
  }

  template <class Sink>
  void each_piece(std::string_view path, const Found* found, int count, Sink&& sink) const {
    std::size_t done = 0;  // up to here the path has been written
    for (int i = 0; i < count; ++i) {
      const std::string_view whole = found[i].groups[0];
      const auto start = static_cast<std::size_t>(whole.data() - path.data());
      sink(path.substr(done, start - done));
      for (const Part& part : parts_) {
        sink(part.literal);
        if (part.group >= 0) sink(found[i].groups[part.group]);
      }
      done = start + whole.size();
    }
    sink(path.substr(done));
  }

  Regex regex_;
  std::vector<Part> parts_;
  int groups_ = 1;
};

}  // namespace

Template::Template(std::string_view text, const std::vector<std::string>& capture_names) {
  std::string pending;
  each_part(
      text, [&](std::string_view literal) { pending += literal; },
      [&](std::string_view name) {
        const auto found = std::find(capture_names.begin(), capture_names.end(), name);
        if (found == capture_names.end()) return;
        parts_.push_back({std::move(pending), static_cast<int>(found - capture_names.begin())});
        pending.clear();
      });
  if (!pending.empty()) parts_.push_back({std::move(pending), -1});
}

std::string_view Template::apply(const Captures& captures, Arena& arena) const {
  const auto value = [&](const Part& part) {
    return part.capture >= 0 && part.capture < captures.count ? captures.values[part.capture] : std::string_view();
  };
  std::size_t size = 0;
  for (const Part& part : parts_) size += part.literal.size() + value(part).size();
  char* const start = static_cast<char*>(arena.allocate(size, 1));
  char* to = start;
  for (const Part& part : parts_) {
    for (const std::string_view piece : {std::string_view(part.literal), value(part)}) {
      if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
      to += piece.size();
    }
  }
  return {start, size};
}

std::string Template::check(std::string_view text, const std::vector<std::string>& names) {
  if (text.find("${{") != std::string_view::npos) return "expressions (${{ … }}) are not supported yet";
  std::string unknown;
  std::string message = each_part(
      text, [](std::string_view) {},
      [&](std::string_view name) {
        if (!unknown.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
        unknown = fmt::format("{{{}}} is not a capture of the path", name);
      });
  return message.empty() ? unknown : message;
}

std::unique_ptr<PathRewrite> compile_rewrite(const config::Rewrite& rewrite,
                                             const std::vector<std::string>& capture_names) {
  if (!rewrite.path.empty()) return std::make_unique<TemplateRewrite>(Template(rewrite.path, capture_names));
  if (!rewrite.regex.empty()) return std::make_unique<RegexRewrite>(rewrite.regex, rewrite.replace);
  return nullptr;
}

namespace {

/// What could never be sent as part of a path, and what only looks as if it could.
std::string check_path_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '?') return "is a path: \"?\" cannot be part of it, and the query is kept as it is";
    if (c <= ' ' || c >= 0x7f || c == '#')
      return fmt::format("cannot hold the byte 0x{:02x}; write it as %{:02X}", c, c);
  }
  return {};
}

}  // namespace

std::string check_rewrite(const config::Rewrite& rewrite, const std::vector<std::string>& capture_names) {
  if (!rewrite.path.empty()) {
    if (!rewrite.path.starts_with('/')) return "must start with \"/\"";
    if (std::string message = check_path_text(rewrite.path); !message.empty()) return message;
    return Template::check(rewrite.path, capture_names);
  }
  if (rewrite.regex.empty()) return {};
  if (std::string message = check_path_text(rewrite.replace); !message.empty()) return message;
  if (std::string message = check_regex(rewrite.regex); !message.empty()) return message;
  const Regex regex(rewrite.regex);
  std::string message;
  regex.compiled().CheckRewriteString(rewrite.replace, &message);
  return message;
}

}  // namespace gatehouse::routing
