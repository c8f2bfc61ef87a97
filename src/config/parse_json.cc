#include "config/parse_json.h"

#include <unordered_set>

#include "base/hex.h"
#include "base/utf8.h"

namespace gatehouse::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Each function is false, or gives nothing, where the text is not as it should be.
class Reader {
 public:
  Reader(std::string_view text, const std::shared_ptr<const std::string>& file)
      : at_(text.data()), end_(text.data() + text.size()), line_start_(at_), file_(file) {}

  bool document(Node& to) {
    skip_space();
    if (!value(to, kMaxDepth)) return false;
    skip_space();
    return at_ == end_;
  }

 private:
  Mark mark() const { return {file_, line_, static_cast<int>(at_ - line_start_) + 1}; }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    for (; at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r'); ++at_) {
      if (*at_ != '\n') continue;
      ++line_;
      line_start_ = at_ + 1;
    }
  }

  bool value(Node& to, int depth) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '{':
        to = Node::mapping(mark());
        return depth > 0 && members(to, depth - 1);
      case '[':
        to = Node::sequence(mark());
        return depth > 0 && items(to, depth - 1);
      case '"':
        to = Node::string({}, mark());
        return string([&to](std::string text) { to.set_text(std::move(text)); });
      case 't':
        return word("true", to);
      case 'f':
        return word("false", to);
      case 'n': {
        Node null;
        null.set_mark(mark());
        return word("null", to) && (to = std::move(null), true);
      }
      default:
        return number(to);
    }
  }

  bool members(Node& to, int depth) {
    constexpr std::size_t kFew = 16;
    std::unordered_set<std::string_view> many;
    ++at_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
      Node::Entry entry{.key = {}, .key_mark = mark(), .value = {}};
      if (!string([&entry](std::string text) { entry.key = std::move(text); })) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!value(entry.value, depth)) return false;
      if (to.entries().size() < kFew && to.find(entry.key) != nullptr) return false;
      to.entries().push_back(std::move(entry));
      skip_space();
      if (take('}')) break;
      if (!take(',')) return false;
      skip_space();
    }
    if (to.entries().size() <= kFew) return true;
    for (const Node::Entry& entry : to.entries()) {
      if (!many.insert(entry.key).second) return false;
    }
    return true;
  }

  bool items(Node& to, int depth) {
    ++at_;
    skip_space();
    if (take(']')) return true;
    for (;;) {
      if (!value(to.push({}), depth)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return false;
      skip_space();
    }
  }

  bool word(std::string_view text, Node& to) {
    if (!std::string_view(at_, end_).starts_with(text)) return false;
    to = Node::word(std::string(text), mark());
    at_ += text.size();
    return true;
  }

  bool digits() {
    if (at_ == end_ || !is_digit(*at_)) return false;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  }
  bool number(Node& to) {
    const Mark start = mark();
    const char* const from = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    to = Node::word(std::string(from, at_), start);
    return true;
  }

  template <class Taker>
  bool string(Taker taker) {
    if (!take('"')) return false;
    std::string text;
    for (const char* from = at_; at_ != end_; ++at_) {
      if (*at_ == '"') {
        text.append(from, at_++);
        taker(std::move(text));
        return true;
      }
      if (static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ != '\\') continue;
      text.append(from, at_++);
      if (!escape(text)) return false;
      from = at_ + 1;
    }
    return false;
  }

  /// What stands behind a backslash; ends at its last character.
  bool escape(std::string& to) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (at_ == end_) return false;
    if (*at_ != 'u') {
      const std::size_t which = kLetters.find(*at_);
      if (which == std::string_view::npos) return false;
      to += kMeant[which];
      return true;
    }
    if (end_ - at_ < 5) return false;
    const auto code = from_hex({at_ + 1, 4});
    if (!code || *code == 0 || is_surrogate(*code)) return false;
    at_ += 4;
    char bytes[4];
    to.append(bytes, put_utf8(bytes, *code));
    return true;
  }

  const char* at_;
  const char* const end_;
  const char* line_start_;
  int line_ = 1;
  const std::shared_ptr<const std::string>& file_;
};

}  // namespace

std::optional<Node> parse_plain_json(std::string_view text, const std::shared_ptr<const std::string>& file) {
  Node root;
  if (!Reader(text, file).document(root)) return std::nullopt;
  return root;
}

}  // namespace gatehouse::config
