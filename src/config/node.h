#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.h"

namespace gatehouse::config {

/// A document as a tree of values that know where they were written. A plain value; what a Node owns dies with it.
/// The same type carries what is printed (effective configuration, JSON Schema), then without marks.
class Node {
 public:
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  struct Entry;

  Node();
  Node(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(const Node&);
  Node& operator=(Node&&) noexcept;
  ~Node();
  /// A string: written in quotes where a bare word could be taken for something else.
  static Node string(std::string text, Mark mark = {});
  /// A number, true, false or a word: written bare.
  static Node word(std::string text, Mark mark = {});
  static Node boolean(bool value) { return word(value ? "true" : "false"); }
  static Node integer(std::int64_t value) { return word(std::to_string(value)); }
  static Node sequence(Mark mark = {});
  static Node mapping(Mark mark = {});

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_scalar() const { return kind_ == Kind::scalar; }
  bool is_sequence() const { return kind_ == Kind::sequence; }
  bool is_mapping() const { return kind_ == Kind::mapping; }
  const Mark& mark() const { return mark_; }
  void set_mark(Mark mark) { mark_ = std::move(mark); }

  /// Of a scalar, "" for others.
  const std::string& text() const { return text_; }
  /// Written in quotes or as a block: never a number for JSON.
  bool quoted() const { return quoted_; }
  void set_text(std::string text) { text_ = std::move(text); }
  void set_quoted(bool quoted) { quoted_ = quoted; }

  /// Of a sequence, empty for others.
  const std::vector<Node>& items() const { return items_; }
  std::vector<Node>& items() { return items_; }
  Node& push(Node value);

  /// Of a mapping in the order of the file, empty for others.
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }
  /// The value under `key`, null pointer if there is none. Linear in the number of keys.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  /// Replaces or appends.
  Node& set(std::string key, Node value);
  void erase(std::string_view key);

  /// 'a list', 'a mapping', 'nothing', '"ten"': for messages; a long scalar is cut.
  std::string described() const;
  /// How many nodes hang here, itself included.
  std::size_t size() const;

 private:
  Kind kind_ = Kind::null;
  bool quoted_ = false;
  Mark mark_;
  std::string text_;
  std::vector<Node> items_;
  std::vector<Entry> entries_;
};

struct Node::Entry {
  std::string key;
  Mark key_mark;
  Node value;
};

inline Node::Node() = default;
inline Node::Node(const Node&) = default;
inline Node::Node(Node&&) noexcept = default;
inline Node& Node::operator=(const Node&) = default;
inline Node& Node::operator=(Node&&) noexcept = default;
inline Node::~Node() = default;

/// What a document may be at most; beyond it is an error with its place.
inline constexpr int kMaxDepth = 100;
inline constexpr std::size_t kMaxExpansions = 10'000;
inline constexpr std::size_t kMaxExpandedNodes = 1'000'000;

/// Reads one YAML (or JSON) document. Faults go to `out`; then the tree is as far as it was read. Never throws.
/// `file` is what marks show.
Node parse_document(std::string_view text, const std::string& file, Diagnostics& out);

/// YAML that parse_document reads to the same tree; "${" in a scalar is written as "$${" if `escape_load_time`.
std::string to_yaml(const Node& node, bool escape_load_time = false);
/// JSON with two spaces of indent and a final newline; "${" as for YAML.
std::string to_json(const Node& node, bool escape_load_time = false);
/// JSON on one line.
std::string to_json_line(const Node& node);

}  // namespace gatehouse::config
