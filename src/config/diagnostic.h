#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::config {

class Node;

/// A place in a configuration file. Cheap to copy; `file` is shared by all marks of one file.
struct Mark {
  std::shared_ptr<const std::string> file;  ///< as the user named it; null where nothing was written
  int line = 0;                             ///< from 1; 0 where unknown
  int column = 0;                           ///< from 1

  /// "shop.yaml:14:9", "" for an empty mark.
  std::string text() const;
  friend bool operator==(const Mark&, const Mark&) = default;
};

enum class Severity : std::uint8_t { error, warning };

/// One finding about a configuration.
struct Diagnostic {
  Severity severity = Severity::error;
  Mark mark;
  std::string path;     ///< "routes[2].plugins[0].config.minute", "" for a whole file
  std::string message;  ///< what was expected, what was found: 'must be an integer of at least 1, got "ten"'
  std::string hint;     ///< 'did you mean "methods"?', "" for none

  /// "shop.yaml:14:9: routes[2].methods: message; hint"
  std::string text() const;
};

/// All findings of one load, in the order in which they were met; sorted by place for output.
class Diagnostics {
 public:
  void error(const Mark& mark, std::string path, std::string message, std::string hint = {});
  void warning(const Mark& mark, std::string path, std::string message, std::string hint = {});
  /// Control characters in the texts are written as \n, \t or ?.
  void add(Diagnostic diagnostic);
  bool has_errors() const;
  std::size_t error_count() const;
  /// Sorts by file, line, column, keeping the order of equals.
  void sort();
  const std::vector<Diagnostic>& items() const { return items_; }
  /// One line each, ended by newlines.
  std::string text() const;
  /// A JSON array of {severity, file, line, column, path, message, hint}.
  std::string json() const;
  /// The same as a tree, to be part of a larger document.
  Node node() const;

 private:
  std::vector<Diagnostic> items_;
};

/// 'did you mean "x"?' for the candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length), else
/// "".
std::string suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gatehouse::config
