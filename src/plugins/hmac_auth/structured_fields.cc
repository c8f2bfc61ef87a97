#include "plugins/hmac_auth/structured_fields.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using Kind = BareItem::Kind;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_alpha(char c) {
  return is_lower(static_cast<char>(c | 0x20)) && c >= 'A';
}
bool is_key_start(char c) {
  return is_lower(c) || c == '*';
}
bool is_key(char c) {
  return is_key_start(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
/// tchar, ":" and "/".
bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}

class Parser {
 public:
  Parser(std::string_view text, Arena& arena) : rest_(text), arena_(arena) {}

  /// RFC 9651 section 4.2.2.
  bool dictionary(std::span<const Member>& to) {
    Member* const members = arena_.array<Member>(kMostMembers);
    std::size_t count = 0;
    skip(" ");
    while (!rest_.empty()) {
      if (count == kMostMembers) return false;
      Member member;
      if (!key(member.key) || !take('=') || !value(member)) return false;
      if (std::any_of(members, members + count, [&](const Member& other) { return other.key == member.key; }))
        return false;
      members[count++] = member;
      skip(" \t");
      if (rest_.empty()) break;
      if (!take(',')) return false;
      skip(" \t");
      if (rest_.empty()) return false;  // a comma at the end
    }
    to = {members, count};
    return true;
  }

 private:
  void skip(std::string_view set) { rest_.remove_prefix(std::min(rest_.find_first_not_of(set), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Is>
  std::string_view take_while(Is is) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is);
    const std::string_view taken(rest_.data(), static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool key(std::string_view& to) {
    if (rest_.empty() || !is_key_start(rest_.front())) return false;
    to = take_while(is_key);
    return true;
  }

  bool value(Member& member) {
    member.is_list = take('(');
    if (!member.is_list) {
      BareItem item;
      if (!bare(item) || item.kind != Kind::bytes) return false;
      member.bytes = item.text;
      return parameters(member.parameters);
    }
    StringItem items[kMostItems];
    std::size_t count = 0;
    for (;;) {
      skip(" ");
      if (take(')')) break;
      if (count == kMostItems) return false;
      BareItem item;
      if (!bare(item) || item.kind != Kind::string) return false;
      items[count].text = item.text;
      if (!parameters(items[count++].parameters)) return false;
      if (!rest_.starts_with(' ') && !rest_.starts_with(')')) return false;
    }
    member.items = copy(items, count);
    return parameters(member.parameters);
  }

  bool parameters(Parameters& to) {
    Parameter found[kMostParameters];
    std::size_t count = 0;
    while (take(';')) {
      skip(" ");
      if (count == kMostParameters) return false;
      Parameter parameter{{}, {.integer = 1}};
      if (!key(parameter.key) || (take('=') && !bare(parameter.value))) return false;
      if (find_parameter({found, count}, parameter.key) != nullptr) return false;
      found[count++] = parameter;
    }
    to = copy(found, count);
    return true;
  }

  bool bare(BareItem& to) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    if (c == '"') return string(to);
    if (c == ':') return bytes(to);
    if (c == '?') return boolean(to);
    if (c == '-' || is_digit(c)) return integer(to);
    if (c != '*' && !is_alpha(c)) return false;
    to = {Kind::token, take_while(is_token_char)};
    return true;
  }

  bool string(BareItem& to) {
    rest_.remove_prefix(1);
    std::size_t size = 0, escapes = 0;
    for (; size < rest_.size() && rest_[size] != '"'; ++size) {
      if (rest_[size] < 0x20 || rest_[size] == 0x7f) return false;
      if (rest_[size] != '\\') continue;
      if (++size == rest_.size() || (rest_[size] != '"' && rest_[size] != '\\')) return false;
      ++escapes;
    }
    if (size == rest_.size()) return false;
    to = {Kind::string, escapes == 0 ? rest_.substr(0, size) : without_escapes(rest_.substr(0, size), escapes)};
    rest_.remove_prefix(size + 1);
    return true;
  }

  std::string_view without_escapes(std::string_view text, std::size_t escapes) {
    char* const start = arena_.reserve(text.size() - escapes);
    char* to = start;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') ++i;
      *to++ = text[i];
    }
    return {start, text.size() - escapes};
  }

  bool bytes(BareItem& to) {
    rest_.remove_prefix(1);
    const std::size_t end = rest_.find(':');
    if (end == std::string_view::npos) return false;
    char* const start = arena_.reserve(base64_room(end));
    const std::size_t size = base64_decode(rest_.substr(0, end), start);
    if (size == std::string_view::npos) return false;
    rest_.remove_prefix(end + 1);
    to = {Kind::bytes, {start, size}};
    return true;
  }

  bool boolean(BareItem& to) {
    rest_.remove_prefix(1);
    if (!rest_.starts_with('0') && !rest_.starts_with('1')) return false;
    to = {Kind::boolean, {}, rest_.front() - '0'};
    rest_.remove_prefix(1);
    return true;
  }

  bool integer(BareItem& to) {
    const bool negative = take('-');
    const std::string_view digits = take_while(is_digit);
    if (digits.empty() || digits.size() > 15 || rest_.starts_with('.')) return false;
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    to = {Kind::integer, {}, negative ? -value : value};
    return true;
  }

  template <class T>
  std::span<const T> copy(const T* from, std::size_t count) {
    T* const to = arena_.array<T>(count);
    std::copy_n(from, count, to);
    return {to, count};
  }

  std::string_view rest_;
  Arena& arena_;
};

/// Counts what would be written, or writes it.
class Writer {
 public:
  explicit Writer(char* to) : to_(to) {}
  std::size_t size() const { return size_; }

  void put(std::string_view text) {
    if (to_ != nullptr) std::copy(text.begin(), text.end(), to_ + size_);
    size_ += text.size();
  }
  void string(std::string_view text) {
    put("\"");
    for (const char& c : text) {
      if (c == '"' || c == '\\') put("\\");
      put({&c, 1});
    }
    put("\"");
  }
  void parameters(Parameters parameters) {
    for (const Parameter& parameter : parameters) {
      put(";");
      put(parameter.key);
      const BareItem& value = parameter.value;
      if (value.kind == Kind::boolean && value.integer == 1) continue;
      put("=");
      bare(value);
    }
  }
  void item(const StringItem& item) {
    string(item.text);
    parameters(item.parameters);
  }
  void list(const Member& member) {
    put("(");
    for (const StringItem& each : member.items) {
      if (&each != member.items.data()) put(" ");
      item(each);
    }
    put(")");
    parameters(member.parameters);
  }

 private:
  void bare(const BareItem& value) {
    switch (value.kind) {
      case Kind::string:
        return string(value.text);
      case Kind::token:
        return put(value.text);
      case Kind::boolean:
        return put(value.integer != 0 ? "?1" : "?0");
      case Kind::integer: {
        char digits[20];
        const char* const end = std::to_chars(digits, digits + sizeof digits, value.integer).ptr;
        return put({digits, static_cast<std::size_t>(end - digits)});
      }
      case Kind::bytes:
        put(":");
        base64(value.text);
        return put(":");
    }
  }
  void base64(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
      char four[4];
      base64_encode_three(bytes.substr(at, 3), four);
      put({four, 4});
    }
  }

  char* const to_;
  std::size_t size_ = 0;
};

template <class Write>
std::string_view written(Arena& arena, Write write) {
  Writer count(nullptr);
  write(count);
  char* const room = arena.reserve(count.size());
  Writer writer(room);
  write(writer);
  return {room, count.size()};
}

}  // namespace

const BareItem* find_parameter(Parameters parameters, std::string_view key) {
  const auto found = std::ranges::find(parameters, key, &Parameter::key);
  return found != parameters.end() ? &found->value : nullptr;
}

bool parse_dictionary(std::string_view text, Arena& arena, std::span<const Member>& members) {
  return Parser(text, arena).dictionary(members);
}

std::string_view serialise_list(const Member& member, Arena& arena) {
  return written(arena, [&](Writer& writer) { writer.list(member); });
}

std::string_view serialise_item(const StringItem& item, Arena& arena) {
  return written(arena, [&](Writer& writer) { writer.item(item); });
}

}  // namespace gatehouse::plugins::hmac_auth
