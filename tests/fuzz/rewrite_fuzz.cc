// Rewrites of a path. Lines: a regex and its replacement, or "/template" and its captures' names; then the path.
#include <re2/re2.h>

#include "fuzz/fuzz.h"
#include "routing/regex.h"
#include "routing/router.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

constexpr int kMostMatches = 64;

/// What can stand in a path as it is written.
bool is_path_text(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f || c == '?' || c == '#') return false;  // plain char is signed: above ASCII is below ' '
  }
  return true;
}

void check_regex_rewrite(std::string_view regex, std::string_view replace, std::string_view path) {
  config::Rewrite rewrite;
  rewrite.regex = regex;
  rewrite.replace = replace;
  if (!routing::check_rewrite(rewrite, {}).empty()) return;
  const auto compiled = routing::compile_rewrite(rewrite, {});
  require((compiled != nullptr) == !regex.empty(), "there is a rewrite where one is written");
  if (compiled == nullptr) return;
  Arena arena;
  const std::string_view result = compiled->apply(path, {}, arena);
  const re2::RE2 pattern(re2::StringPiece(regex.data(), regex.size()), re2::RE2::Quiet);
  require(pattern.ok(), "what passed the check compiles");
  std::string expected(path);
  require(is_path_text(replace), "what can be no path is refused");
  const int matches = re2::RE2::GlobalReplace(&expected, pattern, re2::StringPiece(replace.data(), replace.size()));
  if (matches > kMostMatches) {
    require(result.empty(), "too much work is refused");
    return;
  }
  if (!expected.starts_with('/')) expected.insert(0, 1, '/');
  require_equal(result, expected, "as RE2 replaces");
}

void check_template(std::string_view text, std::string_view names_text, std::string_view path) {
  std::vector<std::string> names;
  routing::Captures captures;
  for (const std::string_view name : split(names_text, ',')) {
    if (names.size() == routing::kMaxCaptures) break;
    names.emplace_back(name);
    captures.values[captures.count++] = path.substr(std::min<std::size_t>(path.size(), names.size()));
  }
  const bool valid = routing::Template::check(text, names).empty();
  Arena arena;
  const std::string_view applied = routing::Template(text, names).apply(captures, arena);
  if (text.find_first_of("{}") == std::string_view::npos) require_equal(applied, text, "without braces as it is");
  config::Rewrite rewrite;
  rewrite.path = text;
  const bool good = valid && text.starts_with('/') && is_path_text(text);
  require(routing::check_rewrite(rewrite, names).empty() == good || text.empty(),
          "a rewrite is a template that starts with a slash and could stand in a path");
  if (!good) return;
  require_equal(routing::compile_rewrite(rewrite, names)->apply(path, captures, arena), applied, "applied as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::string_view> lines = split(as_text(data, size), '\n');
  if (lines.size() < 2) return 0;
  const std::string_view path = lines.size() > 2 ? lines[2] : "/shop/items/7";
  for (const char c : path) {
    if (c <= 0x20 || c == 0x7f) return 0;  // no request has such a path
  }
  check_regex_rewrite(lines[0], lines[1], path);
  check_template(lines[0], lines[1], path);
  return 0;
}
