#include "config/node.h"

#include <algorithm>

namespace gatehouse::config {

Node Node::string(std::string text, Mark mark) {
  Node node = word(std::move(text), std::move(mark));
  node.quoted_ = true;
  return node;
}

Node Node::word(std::string text, Mark mark) {
  Node node;
  node.kind_ = Kind::scalar;
  node.text_ = std::move(text);
  node.mark_ = std::move(mark);
  return node;
}

Node Node::sequence(Mark mark) {
  Node node;
  node.kind_ = Kind::sequence;
  node.mark_ = std::move(mark);
  return node;
}

Node Node::mapping(Mark mark) {
  Node node;
  node.kind_ = Kind::mapping;
  node.mark_ = std::move(mark);
  return node;
}

Node& Node::push(Node value) {
  return items_.emplace_back(std::move(value));
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  return found == entries_.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

Node& Node::set(std::string key, Node value) {
  if (Node* found = find(key)) return *found = std::move(value);
  Mark mark = value.mark();
  return entries_.emplace_back(Entry{std::move(key), std::move(mark), std::move(value)}).value;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
}

std::string Node::described() const {
  constexpr std::size_t kShown = 60;
  switch (kind_) {
    case Kind::null:
      return "nothing";
    case Kind::sequence:
      return "a list";
    case Kind::mapping:
      return "a mapping";
    case Kind::scalar:
      break;
  }
  std::string shown = "\"";
  for (const char c : text_.substr(0, kShown)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      shown += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "?";
    } else {
      shown += c;
    }
  }
  // A cut must not leave half a UTF-8 sequence behind.
  if (text_.size() > kShown) {
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0) == 0x80) shown.pop_back();
    if (static_cast<unsigned char>(shown.back()) >= 0xC0) shown.pop_back();
    shown += "…";
  }
  return shown + "\"";
}

std::size_t Node::size() const {
  std::size_t size = 1;
  for (const Node& item : items_) size += item.size();
  for (const Entry& entry : entries_) size += entry.value.size();
  return size;
}

}  // namespace gatehouse::config
