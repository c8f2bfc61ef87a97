#include <algorithm>
#include <charconv>

#include "base/json_string.h"
#include "config/node.h"

namespace gatehouse::config {
namespace {

bool is_json_number(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - from;
  };
  const std::size_t start = i;
  const std::size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[start] == '0')) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

/// Words that a YAML reader takes for something other than a string.
bool is_special(std::string_view text) {
  static constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ""};
  std::string low(text);
  std::ranges::transform(low, low.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kWords, low) != std::end(kWords);
}

bool looks_numeric(std::string_view text) {
  return !text.empty() &&
         (std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '.' || text[0] == '-' || text[0] == '+');
}

/// Whether `text` reads back unchanged without quotes, also within [..] and {..}.
bool is_bare(std::string_view text) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("._-/+@").contains(c);
  };
  return !text.empty() && std::ranges::all_of(text, plain) && text[0] != '@' && !text.starts_with("---") &&
         text != "-" && text != "...";
}

/// The text of a scalar; with `escape` as it must be written to be read as that text.
std::string written_text(const Node& node, bool escape) {
  std::string text = node.text();
  if (!escape) return text;
  for (std::size_t at = 0; (at = text.find("${", at)) != std::string::npos; at += 3) text.insert(at, "$");
  return text;
}

void scalar(const Node& node, bool escape, std::string& to) {
  const std::string text = written_text(node, escape);
  const bool bare = is_bare(text) && (!node.quoted() || (!is_special(text) && !looks_numeric(text)));
  if (bare && !(is_special(text) && (text == "null" || text == "~"))) {
    to += text;
  } else {
    append_json_string(to, text);
  }
}

bool is_flat(const Node& node) {
  return node.is_null() || node.is_scalar() || (node.is_sequence() && node.items().empty()) ||
         (node.is_mapping() && node.entries().empty());
}

void key_text(const std::string& key, std::string& to) {
  if (is_bare(key) && !is_special(key) && !looks_numeric(key)) {
    to += key;
  } else {
    append_json_string(to, key);
  }
}

void flat(const Node& node, bool escape, std::string& to) {
  switch (node.kind()) {
    case Node::Kind::null:
      to += "null";
      break;
    case Node::Kind::scalar:
      scalar(node, escape, to);
      break;
    case Node::Kind::sequence:
      to += "[]";
      break;
    case Node::Kind::mapping:
      to += "{}";
      break;
  }
}

/// Writes a block at `indent`; the first line's indent is already there if `started`.
void block(const Node& node, int indent, bool started, bool escape, std::string& to) {
  const auto margin = [&] {
    if (!started) to.append(static_cast<std::size_t>(indent), ' ');
    started = false;
  };
  for (const Node& item : node.items()) {
    margin();
    to += "- ";
    if (is_flat(item)) {
      flat(item, escape, to);
      to += '\n';
    } else {
      block(item, indent + 2, true, escape, to);
    }
  }
  for (const Node::Entry& entry : node.entries()) {
    margin();
    key_text(entry.key, to);
    if (is_flat(entry.value)) {
      to += ": ";
      flat(entry.value, escape, to);
      to += '\n';
    } else if (std::ranges::all_of(entry.value.items(), is_flat) && entry.value.is_sequence()) {
      to += ": [";
      for (std::size_t i = 0; i < entry.value.items().size(); ++i) {
        if (i) to += ", ";
        flat(entry.value.items()[i], escape, to);
      }
      to += "]\n";
    } else {
      to += ":\n";
      block(entry.value, indent + 2, false, escape, to);
    }
  }
}

void json(const Node& node, int indent, bool escape, std::string& to) {
  const bool lines = indent >= 0;
  const auto newline = [&](int depth) {
    if (!lines) return;
    to += '\n';
    to.append(static_cast<std::size_t>(depth), ' ');
  };
  const int inner = lines ? indent + 2 : -1;
  const auto separate = [&](std::size_t i) {
    if (i) to += lines ? "," : ", ";
    newline(inner);
  };
  switch (node.kind()) {
    case Node::Kind::null:
      to += "null";
      return;
    case Node::Kind::scalar:
      if (!node.quoted() && (is_json_number(node.text()) || node.text() == "true" || node.text() == "false")) {
        to += node.text();
      } else {
        append_json_string(to, written_text(node, escape));
      }
      return;
    case Node::Kind::sequence:
      to += '[';
      for (std::size_t i = 0; i < node.items().size(); ++i) {
        separate(i);
        json(node.items()[i], inner, escape, to);
      }
      if (!node.items().empty()) newline(indent);
      to += ']';
      return;
    case Node::Kind::mapping:
      to += '{';
      for (std::size_t i = 0; i < node.entries().size(); ++i) {
        separate(i);
        append_json_string(to, node.entries()[i].key);
        to += ": ";
        json(node.entries()[i].value, inner, escape, to);
      }
      if (!node.entries().empty()) newline(indent);
      to += '}';
      return;
  }
}

}  // namespace

std::string to_yaml(const Node& node, bool escape_load_time) {
  std::string text;
  if (is_flat(node)) {
    flat(node, escape_load_time, text);
    text += '\n';
  } else {
    block(node, 0, false, escape_load_time, text);
  }
  return text;
}

std::string to_json(const Node& node, bool escape_load_time) {
  std::string text;
  json(node, 0, escape_load_time, text);
  return text + "\n";
}

std::string to_json_line(const Node& node) {
  std::string text;
  json(node, -1, false, text);
  return text;
}

}  // namespace gatehouse::config
