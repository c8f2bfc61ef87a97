#include "jose/json.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/hex.h"
#include "base/utf8.h"

namespace gatehouse::jose {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Characters of a string that stand for themselves and need no second look.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[static_cast<std::size_t>(c)] = c != '"' && c != '\\';
  return plain;
}
constexpr auto kPlain = make_plain();

const char* after_plain(const char* at, const char* end) {
  while (at != end && kPlain[static_cast<unsigned char>(*at)]) ++at;
  return at;
}

class Parser {
 public:
  /// `decoded` is room for as many bytes as the text has, behind it, or null if it has no backslash.
  Parser(std::string_view text, char* decoded, JsonNode* nodes, std::size_t room, Arena& arena)
      : bytes_(text.data()),
        at_(text.data()),
        end_(text.data() + text.size()),
        decoded_(decoded),
        nodes_(nodes),
        room_(room),
        arena_(arena) {}

  bool document(unsigned depth) {
    skip_space();
    if (!value({}, depth)) return false;
    skip_space();
    return at_ == end_ || failed("something follows the JSON value");
  }
  const char* fault() const { return fault_; }
  std::size_t count() const { return used_; }
  const char* decoded_end() const { return decoded_; }

 private:
  struct Text {
    std::uint32_t at = 0, size = 0;
  };
  static constexpr const char* kNotJson = "the text is not JSON";

  bool failed(const char* why = kNotJson) {
    fault_ = why;
    return false;
  }
  std::uint32_t place(const char* at) const { return static_cast<std::uint32_t>(at - bytes_); }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }

  bool value(Text name, unsigned depth) {
    if (at_ == end_) return failed();
    if (used_ == room_) return failed("the JSON has too many values");
    const std::size_t index = used_++;
    JsonNode& node = nodes_[index];
    node = {.name = name.at, .name_size = name.size, .text = place(at_)};
    switch (*at_) {
      case '{':
        node.kind = JsonKind::object;
        if (depth == 0) return failed("the JSON is nested too deeply");
        if (!members(depth - 1) || !names_differ(index)) return false;
        break;
      case '[':
        node.kind = JsonKind::array;
        if (depth == 0) return failed("the JSON is nested too deeply");
        if (!items(depth - 1)) return false;
        break;
      case '"': {
        node.kind = JsonKind::string;
        Text text;
        if (!string(text)) return false;
        node.text = text.at;
        node.text_size = text.size;
        return true;
      }
      case 't':
        node.kind = JsonKind::boolean;
        if (!word("true")) return false;
        break;
      case 'f':
        node.kind = JsonKind::boolean;
        if (!word("false")) return false;
        break;
      case 'n':
        node.kind = JsonKind::null;
        if (!word("null")) return false;
        break;
      default:
        node.kind = JsonKind::number;
        if (!number()) return false;
    }
    node.text_size = place(at_) - node.text;
    node.span = static_cast<std::uint32_t>(used_ - index);
    return true;
  }

  bool members(unsigned depth) {
    ++at_;
    skip_space();
    if (take('}')) return true;
    for (;;) {
      Text name;
      if (at_ == end_ || *at_ != '"') return failed();
      if (!string(name)) return false;
      skip_space();
      if (!take(':')) return failed();
      skip_space();
      if (!value(name, depth)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return failed();
      skip_space();
    }
  }

  bool items(unsigned depth) {
    ++at_;
    skip_space();
    if (take(']')) return true;
    for (;;) {
      if (!value({}, depth)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return failed();
      skip_space();
    }
  }

  bool word(std::string_view word) {
    if (!std::string_view(at_, end_).starts_with(word)) return failed();
    at_ += word.size();
    return true;
  }

  bool digits() {
    if (at_ == end_ || !is_digit(*at_)) return failed();
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool string(Text& text) {
    const char* const start = ++at_;
    for (;;) {
      at_ = after_plain(at_, end_);
      if (at_ == end_) return failed();
      if (*at_ == '"') {
        text = {place(start), static_cast<std::uint32_t>(at_ - start)};
        ++at_;
        return true;
      }
      if (*at_ == '\\') return escaped_string(start, text);
      if (!character()) return false;
    }
  }

  /// The rest of a string in which an escape comes next.
  bool escaped_string(const char* start, Text& text) {
    char* const to = decoded_;
    decoded_ = std::copy(start, at_, decoded_);
    for (;;) {
      if (take('"')) {
        text = {place(to), static_cast<std::uint32_t>(decoded_ - to)};
        return true;
      }
      if (take('\\')) {
        if (!escape()) return false;
        continue;
      }
      if (at_ == end_) return failed();
      const char* const from = at_;
      at_ = after_plain(at_, end_);
      if (at_ == from && !character()) return false;
      decoded_ = std::copy(from, at_, decoded_);
    }
  }

  /// Goes over one character that is not plain, neither a quote nor a backslash.
  bool character() {
    if (static_cast<unsigned char>(*at_) < 0x20) return failed();
    std::uint32_t point = 0;
    const std::size_t size = decode_utf8({at_, end_}, point);
    at_ += size;
    return size != 0 || failed("the text is not UTF-8");
  }

  bool escape() {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (at_ == end_) return failed();
    const char letter = *at_++;
    if (letter != 'u') {
      const std::size_t which = kLetters.find(letter);
      if (which == std::string_view::npos) return failed();
      *decoded_++ = kMeant[which];
      return true;
    }
    unsigned code = 0;
    if (!hex(code)) return false;
    if (code >= 0xdc00 && code <= 0xdfff) return failed("a string has half of a surrogate pair");
    if (is_surrogate(code)) {
      unsigned low = 0;
      if (!take('\\') || !take('u')) return failed("a string has half of a surrogate pair");
      if (!hex(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return failed("a string has half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    decoded_ = put_utf8(decoded_, code);
    return true;
  }

  bool hex(unsigned& code) {
    const auto value = end_ - at_ < 4 ? std::nullopt : from_hex({at_, 4});
    if (!value) return failed();
    code = *value;
    at_ += 4;
    return true;
  }

  std::string_view name_of(std::size_t index) const { return {bytes_ + nodes_[index].name, nodes_[index].name_size}; }
  /// Whether no two members of the object at `index`, the last value so far, have one name.
  bool names_differ(std::size_t index) {
    constexpr std::size_t kFew = 16;
    std::size_t count = 0;
    for (std::size_t i = index + 1; i < used_; i += nodes_[i].span) {
      if (++count > kFew) continue;
      for (std::size_t j = index + 1; j < i; j += nodes_[j].span) {
        if (name_of(i) == name_of(j)) return failed(kTwice);
      }
    }
    if (count <= kFew) return true;
    std::string_view* const names = arena_.array<std::string_view>(count);
    std::string_view* end = names;
    for (std::size_t i = index + 1; i < used_; i += nodes_[i].span) *end++ = name_of(i);
    std::sort(names, end);
    return std::adjacent_find(names, end) == end || failed(kTwice);
  }
  static constexpr const char* kTwice = "an object has a name twice";

  const char* const bytes_;
  const char* at_;
  const char* const end_;
  char* decoded_;
  JsonNode* const nodes_;
  const std::size_t room_;
  std::size_t used_ = 0;
  Arena& arena_;
  const char* fault_ = kNotJson;
};

/// Each value but the first follows a comma or a bracket. Counted in bytes, which compilers do sixteen at a time.
std::size_t most_values(std::string_view text) {
  constexpr std::size_t kBlock = 128;
  std::size_t most = 1;
  for (; !text.empty(); text.remove_prefix(std::min(kBlock, text.size()))) {
    std::uint8_t block = 0;
    for (const char c : text.substr(0, kBlock))
      block += static_cast<std::uint8_t>((c == ',') | (c == '[') | (c == '{'));
    most += block;
  }
  return most;
}

}  // namespace

JsonValue JsonValue::member(std::string_view name) const {
  if (!is(JsonKind::object)) return {};
  for (const JsonValue value : *this) {
    if (value.name() == name) return value;
  }
  return {};
}

std::expected<JsonDocument, const char*> parse_json(std::string_view text, Arena& arena, JsonLimits limits) {
  char* decoded = nullptr;
  if (!text.empty() && std::memchr(text.data(), '\\', text.size()) != nullptr) {
    char* const copy = arena.reserve(2 * text.size());
    decoded = std::copy(text.begin(), text.end(), copy);
    text = {copy, text.size()};
  }
  const std::size_t most = std::min(most_values(text), limits.values);
  auto* const nodes = arena.array<JsonNode>(most);
  Parser parser(text, decoded, nodes, most, arena);
  if (!parser.document(limits.depth)) return std::unexpected(parser.fault());
  const std::size_t size =
      decoded == nullptr ? text.size() : static_cast<std::size_t>(parser.decoded_end() - text.data());
  return JsonDocument{.bytes = text.data(), .nodes = nodes, .size = size, .count = parser.count()};
}

}  // namespace gatehouse::jose
