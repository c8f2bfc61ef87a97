#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <boost/json.hpp>
#include <istream>
#include <map>
#include <memory>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

#include "base/utf8.h"
#include "config/node.h"
#include "config/parse_json.h"

namespace gatehouse::config {
namespace {

/// Ends the parse after a fault that leaves nothing sensible to read on; caught in this file.
struct Stop {};

bool is_null_word(const std::string& text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

/// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::shared_ptr<const std::string> file, Diagnostics& out) : file_(std::move(file)), out_(out) {}

  Node take() { return std::move(root_); }
  Mark at(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    root_.set_mark(at(mark));
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.set_mark(at(mark));
    finish(std::move(node), anchor, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag, "str int float bool null binary");
    const bool quoted = tag == "!" || tag.ends_with(":str");
    Node node = quoted ? Node::string(value, at(mark)) : Node::word(value, at(mark));
    if (!quoted && is_null_word(value)) {
      node = Node();
      node.set_mark(at(mark));
    }
    // "<<" merges only as a bare word.
    finish(std::move(node), anchor, 0, value);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      out_.error(at(mark), "", "an alias stands inside the value that it names");
      throw Stop();
    }
    expansions_ += 1 + found->second.expansions;
    expanded_nodes_ += found->second.size;
    if (expansions_ > kMaxExpansions || expanded_nodes_ > kMaxExpandedNodes) {
      out_.error(at(mark), "",
                 expansions_ > kMaxExpansions ? "aliases are expanded more than 10,000 times"
                                              : "aliases expand to more than 1,000,000 values");
      throw Stop();
    }
    if (frames_.size() + found->second.depth > kMaxDepth) too_deep(at(mark));
    finish(Node(found->second.node), YAML::NullAnchor, 1 + found->second.expansions, {}, &mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "seq");
    open(Node::sequence(at(mark)), anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag, "map");
    open(Node::mapping(at(mark)), anchor);
  }
  void OnMapEnd() override {
    merge(frames_.back());
    close();
  }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor;
    std::size_t expansions = 0;
    std::size_t depth = 1;  ///< of what hangs below, itself included
    bool has_key = false;
    std::string key;
    Mark key_mark;
    std::vector<std::pair<Node, Mark>> merges;
    std::unordered_set<std::string> keys;  ///< only once the mapping is large
    bool key_is_merge = false;
  };
  struct Anchor {
    Node node;
    std::size_t expansions, size, depth;
  };

  void check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view known) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
    const std::string_view word =
        std::string_view(tag).starts_with(kPrefix) ? std::string_view(tag).substr(kPrefix.size()) : "";
    if (!word.empty() && word != "binary" && known.find(word) != std::string_view::npos) return;
    out_.error(at(mark), "", "unknown tag \"" + tag + "\"");
  }

  [[noreturn]] void too_deep(const Mark& mark) {
    out_.error(mark, "", "nested more than 100 deep");
    throw Stop();
  }

  void open(Node node, YAML::anchor_t anchor) {
    if (frames_.size() >= kMaxDepth) too_deep(node.mark());
    if (!frames_.empty() && frames_.back().node.is_mapping() && !frames_.back().has_key) {
      out_.error(node.mark(), "", "a key must be a string, got " + node.described());
      throw Stop();
    }
    Frame frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    const std::size_t depth = frame.depth;
    finish(std::move(frame.node), frame.anchor, frame.expansions, {}, nullptr, depth);
  }

  void finish(Node node, YAML::anchor_t anchor, std::size_t expansions, const std::string& written = {},
              const YAML::Mark* alias_mark = nullptr, std::size_t depth = 1) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = Anchor{node, expansions, node.size(), depth};
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    frame.expansions += expansions;
    frame.depth = std::max(frame.depth, depth + 1);
    if (frame.node.is_sequence()) {
      frame.node.push(std::move(node));
    } else if (!frame.has_key) {
      if (!node.is_scalar() && !node.is_null()) {
        out_.error(alias_mark ? at(*alias_mark) : node.mark(), "", "a key must be a string, got " + node.described());
        throw Stop();
      }
      frame.has_key = true;
      frame.key = node.is_null() ? written : node.text();
      frame.key_is_merge = frame.key == "<<" && !node.quoted();
      frame.key_mark = alias_mark ? at(*alias_mark) : node.mark();
    } else {
      frame.has_key = false;
      if (frame.key_is_merge) {
        if (!frame.merges.empty())
          out_.error(frame.key_mark, "", "duplicate key \"<<\", first at " + frame.merges.front().second.text(),
                     "<<: [*a, *b] merges several");
        frame.merges.emplace_back(std::move(node), frame.key_mark);
      } else {
        add_entry(frame, std::move(node));
      }
    }
  }

  void add_entry(Frame& frame, Node value) {
    auto& entries = frame.node.entries();
    constexpr std::size_t kSmall = 16;
    bool known;
    if (entries.size() < kSmall) {
      known = frame.node.find(frame.key) != nullptr;
    } else {
      if (frame.keys.empty()) {
        for (const Node::Entry& entry : entries) frame.keys.insert(entry.key);
      }
      known = !frame.keys.insert(frame.key).second;
    }
    if (known) {
      const auto first = std::ranges::find(entries, frame.key, &Node::Entry::key);
      out_.error(frame.key_mark, "", "duplicate key \"" + frame.key + "\", first at " + first->key_mark.text());
      return;
    }
    entries.push_back({std::move(frame.key), frame.key_mark, std::move(value)});
  }

  /// `<<: *a` or `<<: [*a, *b]`: what is written wins, then the earlier of the list.
  void merge(Frame& frame) {
    for (auto& [source, mark] : frame.merges) {
      std::vector<Node> sources;
      if (source.is_sequence()) {
        sources = source.items();
      } else {
        sources.push_back(std::move(source));
      }
      for (Node& one : sources) {
        if (!one.is_mapping()) {
          out_.error(mark, "", "\"<<\" must name a mapping or a list of mappings, got " + one.described());
          continue;
        }
        for (Node::Entry& entry : one.entries()) {
          if (!frame.node.find(entry.key)) frame.node.entries().push_back(std::move(entry));
        }
      }
    }
  }

  std::shared_ptr<const std::string> file_;
  Diagnostics& out_;
  Node root_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Anchor> anchors_;
  std::size_t expansions_ = 0, expanded_nodes_ = 0;
};

/// Line and column of a byte, both from 1; columns count bytes.
Mark place_of(std::string_view text, std::size_t offset, const std::shared_ptr<const std::string>& file) {
  Mark mark{file, 1, 1};
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++mark.line;
      mark.column = 1;
    } else {
      ++mark.column;
    }
  }
  return mark;
}

/// Reads from a view without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* data = const_cast<char*>(text.data());
    setg(data, data, data + text.size());
  }
};

/// JSON may be indented with tabs, which YAML refuses. Places are not known then; marks name only the file.
Node from_json(const boost::json::value& value, const Mark& mark, Diagnostics& out) {
  switch (value.kind()) {
    case boost::json::kind::null: {
      Node node;
      node.set_mark(mark);
      return node;
    }
    case boost::json::kind::string:
      return Node::string(std::string(value.as_string()), mark);
    case boost::json::kind::array: {
      Node node = Node::sequence(mark);
      for (const auto& item : value.as_array()) node.push(from_json(item, mark, out));
      return node;
    }
    case boost::json::kind::object: {
      Node node = Node::mapping(mark);
      for (const auto& item : value.as_object()) {
        node.entries().push_back({std::string(item.key()), mark, from_json(item.value(), mark, out)});
      }
      return node;
    }
    default:
      return Node::word(boost::json::serialize(value), mark);
  }
}

/// Outside strings a tab is a space to JSON, and then YAML reads the text with its places.
std::string without_tabs(std::string_view text) {
  std::string result(text);
  bool in_string = false;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (in_string && result[i] == '\\') {
      ++i;
    } else if (result[i] == '"') {
      in_string = !in_string;
    } else if (result[i] == '\t' && !in_string) {
      result[i] = ' ';
    }
  }
  return result;
}

std::string sentence(const std::string& message) {
  return message.empty() ? "cannot be read as YAML" : "cannot be read as YAML: " + message;
}

Node parse_yaml(std::string_view text, const std::shared_ptr<const std::string>& file, Diagnostics& out) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Builder builder(file, out);
  try {
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) {
      Diagnostics ignored;
      Builder second(file, ignored);
      if (parser.HandleNextDocument(second)) {
        out.error(second.take().mark(), "", "a file holds one document, this is a second one");
      }
    }
  } catch (const Stop&) {
  } catch (const YAML::Exception& fault) {
    Mark mark{file, 0, 0};
    if (!fault.mark.is_null()) mark = builder.at(fault.mark);
    out.error(mark, "", sentence(fault.msg));
  } catch (const std::exception& fault) {
    out.error({file, 0, 0}, "", sentence(fault.what()));
  }
  return builder.take();
}

}  // namespace

Node parse_document(std::string_view text, const std::string& file, Diagnostics& out) {
  const auto name = std::make_shared<const std::string>(file);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    out.error(place_of(text, nul, name), "", "a NUL byte");
    return {};
  }
  if (const std::size_t bad = find_bad_utf8(text); bad != std::string_view::npos) {
    out.error(place_of(text, bad, name), "", "not valid UTF-8");
    return {};
  }
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  const bool looks_like_json = start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
  if (looks_like_json) {
    if (std::optional<Node> plain = parse_plain_json(text, name)) return *std::move(plain);
  }
  if (!looks_like_json || text.find('\t') == std::string_view::npos) return parse_yaml(text, name, out);

  Diagnostics faults;
  const std::string spaced = without_tabs(text);
  Node node = parse_yaml(spaced, name, faults);
  if (faults.has_errors()) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(text, error);
    if (!error) return from_json(value, Mark{name, 0, 0}, out);
  }
  for (const Diagnostic& fault : faults.items()) out.add(fault);
  return node;
}

}  // namespace gatehouse::config
