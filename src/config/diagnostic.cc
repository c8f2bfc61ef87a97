#include "config/diagnostic.h"

#include <algorithm>
#include <tuple>

#include "config/node.h"

namespace gatehouse::config {

std::string Mark::text() const {
  if (!file) return "";
  if (line == 0) return *file;
  return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

std::string Diagnostic::text() const {
  std::string text = mark.text();
  if (!text.empty()) text += ": ";
  if (severity == Severity::warning) text += "warning: ";
  if (!path.empty()) text += path + ": ";
  text += message;
  if (!hint.empty()) text += "; " + hint;
  return text;
}

namespace {

/// What was quoted from a file may hold anything; a finding is one line that does nothing to a terminal.
void make_one_line(std::string& text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::none_of(text, control)) return;
  std::string line;
  for (const char c : text) {
    if (!control(c)) {
      line += c;
    } else {
      line += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "?";
    }
  }
  text = std::move(line);
}

}  // namespace

void Diagnostics::error(const Mark& mark, std::string path, std::string message, std::string hint) {
  add({Severity::error, mark, std::move(path), std::move(message), std::move(hint)});
}

void Diagnostics::warning(const Mark& mark, std::string path, std::string message, std::string hint) {
  add({Severity::warning, mark, std::move(path), std::move(message), std::move(hint)});
}

void Diagnostics::add(Diagnostic diagnostic) {
  for (std::string* text : {&diagnostic.path, &diagnostic.message, &diagnostic.hint}) make_one_line(*text);
  items_.push_back(std::move(diagnostic));
}

bool Diagnostics::has_errors() const {
  return error_count() != 0;
}

std::size_t Diagnostics::error_count() const {
  return static_cast<std::size_t>(std::ranges::count(items_, Severity::error, &Diagnostic::severity));
}

void Diagnostics::sort() {
  std::ranges::stable_sort(items_, {}, [](const Diagnostic& d) {
    const std::string_view file = d.mark.file ? std::string_view(*d.mark.file) : std::string_view();
    return std::tuple(file, d.mark.line, d.mark.column);
  });
}

std::string Diagnostics::text() const {
  std::string text;
  for (const Diagnostic& item : items_) text += item.text() + "\n";
  return text;
}

std::string Diagnostics::json() const {
  return to_json(node());
}

Node Diagnostics::node() const {
  Node list = Node::sequence();
  for (const Diagnostic& item : items_) {
    Node& entry = list.push(Node::mapping());
    entry.set("severity", Node::string(item.severity == Severity::error ? "error" : "warning"));
    entry.set("file", Node::string(item.mark.file ? *item.mark.file : ""));
    entry.set("line", Node::integer(item.mark.line));
    entry.set("column", Node::integer(item.mark.column));
    entry.set("path", Node::string(item.path));
    entry.set("message", Node::string(item.message));
    entry.set("hint", Node::string(item.hint));
  }
  return list;
}

namespace {

/// Damerau-Levenshtein (neighbouring letters may be swapped once), letters of either case alike.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '-' ? '_' : c; };
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = fold(a[i - 1]) == fold(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string suggest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongest = 64;
  if (word.size() > kLongest) return "";
  std::size_t best = std::max<std::size_t>(word.size() / 3, word.size() > 1 ? 1 : 0);
  const std::string* nearest = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    const std::size_t d = distance(word, candidate);
    if (d > best || (nearest && d == best)) continue;
    best = d;
    nearest = &candidate;
  }
  return nearest ? "did you mean \"" + *nearest + "\"?" : "";
}

}  // namespace gatehouse::config
