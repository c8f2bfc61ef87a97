#include "http/field.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/chars.h"

namespace gatehouse::http {
namespace {

constexpr std::array<std::string_view, kFieldIdCount> kNames{
    "",
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "location",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "retry-after",
    "server",
    "set-cookie",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "x-correlation-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
    "x-request-id",
};
static_assert(kFieldIdCount <= 64);

/// Eight bytes of a known name as two words: name | fold == want. Only letters are folded.
template <FieldId Id>
struct Pattern {
  static constexpr std::string_view kName = kNames[static_cast<std::size_t>(Id)];
  static constexpr std::size_t kSize = kName.size();

  template <class Word>
  static consteval Word want(std::size_t from) {
    Word word = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
      word |= static_cast<Word>(static_cast<Word>(static_cast<unsigned char>(kName[from + i])) << (8 * i));
    }
    return word;
  }
  template <class Word>
  static consteval Word fold(std::size_t from) {
    Word word = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
      const bool letter = kName[from + i] >= 'a' && kName[from + i] <= 'z';
      word |= static_cast<Word>(static_cast<Word>(letter ? 0x20 : 0) << (8 * i));
    }
    return word;
  }
  template <class Word, std::size_t From>
  static bool same(const char* text) {
    Word word;
    std::memcpy(&word, text + From, sizeof word);
    return static_cast<Word>(word | fold<Word>(From)) == want<Word>(From);
  }
  template <std::size_t From = 0>
  static bool matches(const char* text) {
    if constexpr (kSize - From > 8) {
      return same<std::uint64_t, From>(text) && matches<From + 8>(text);
    } else if constexpr (kSize >= 8) {
      return same<std::uint64_t, kSize - 8>(text);  // the last word overlaps the one before
    } else if constexpr (kSize >= 4) {
      return same<std::uint32_t, 0>(text) && same<std::uint32_t, kSize - 4>(text);
    } else {
      return same<std::uint16_t, 0>(text) && same<std::uint8_t, kSize - 1>(text);
    }
  }
};

/// The one of `Ids` that `text` spells; all have its length.
template <FieldId... Ids>
FieldId one_of(const char* text) {
  FieldId found = FieldId::other;
  (void)((Pattern<Ids>::matches(text) ? (found = Ids, true) : false) || ...);
  return found;
}

}  // namespace

FieldId field_id(std::string_view name) {
  using enum FieldId;
  const char* const text = name.data();
  const auto first = [text] { return static_cast<char>(*text | 0x20); };
  switch (name.size()) {
    case 2:
      return one_of<te>(text);
    case 3:
      return one_of<via>(text);
    case 4:
      switch (first()) {
        case 'h':
          return one_of<host>(text);
        case 'd':
          return one_of<date>(text);
        case 'e':
          return one_of<etag>(text);
        default:
          return one_of<vary>(text);
      }
    case 6:
      switch (first()) {
        case 'a':
          return one_of<accept>(text);
        case 'c':
          return one_of<cookie>(text);
        case 'e':
          return one_of<expect>(text);
        case 'o':
          return one_of<origin>(text);
        default:
          return one_of<server>(text);
      }
    case 7:
      return first() == 't' ? one_of<trailer>(text) : one_of<upgrade>(text);
    case 8:
      return one_of<location>(text);
    case 9:
      return first() == 'f' ? one_of<forwarded>(text) : one_of<x_real_ip>(text);
    case 10:
      switch (first()) {
        case 'c':
          return one_of<connection>(text);
        case 'u':
          return one_of<user_agent>(text);
        case 'k':
          return one_of<keep_alive>(text);
        case 's':
          return one_of<set_cookie>(text);
        default:
          return one_of<tracestate>(text);
      }
    case 11:
      return first() == 't' ? one_of<traceparent>(text) : one_of<retry_after>(text);
    case 12:
      return first() == 'c' ? one_of<content_type>(text) : one_of<x_request_id>(text);
    case 13:
      return first() == 'a' ? one_of<authorization>(text) : one_of<cache_control>(text);
    case 14:
      return first() == 'c' ? one_of<content_length>(text) : one_of<http2_settings>(text);
    case 15:
      return first() == 'a' ? one_of<accept_encoding>(text) : one_of<x_forwarded_for>(text);
    case 16:
      switch (first()) {
        case 'c':
          return one_of<content_encoding>(text);
        case 'p':
          return one_of<proxy_connection>(text);
        default:
          return one_of<x_correlation_id, x_forwarded_host, x_forwarded_port>(text);
      }
    case 17:
      return first() == 't' ? one_of<transfer_encoding>(text) : one_of<x_forwarded_proto>(text);
    case 18:
      return one_of<proxy_authenticate>(text);
    case 19:
      return one_of<proxy_authorization>(text);
    case 29:
      return one_of<access_control_request_method>(text);
    case 30:
      return one_of<access_control_request_headers>(text);
    default:
      return other;
  }
}

std::string_view field_name(FieldId id) {
  return kNames[static_cast<std::size_t>(id)];
}

bool equal_names(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    const char lower = static_cast<char>(a[i] | 0x20);
    if (lower != static_cast<char>(b[i] | 0x20) || lower < 'a' || lower > 'z') return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  const char* const end = text.data() + text.size();
  return !text.empty() && chars::skip_token(text.data(), end) == end;
}

bool is_field_value(std::string_view text) {
  if (text.empty()) return true;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const char* const end = text.data() + text.size();
  return !blank(text.front()) && !blank(text.back()) && chars::skip_value(text.data(), end) == end;
}

void Fields::grow() {
  const std::uint32_t capacity = capacity_ == 0 ? 16 : capacity_ * 2;
  Field* const items = arena_->array<Field>(capacity);
  std::copy(items_, items_ + count_, items);
  items_ = items;
  capacity_ = capacity;
}

const Field* Fields::find(std::string_view name) const {
  const FieldId id = field_id(name);
  if (id != FieldId::other) return find(id);
  for (const Field& field : *this) {
    if (field.id == FieldId::other && !field.removed && equal_names(field.name, name)) return &field;
  }
  return nullptr;
}

std::string_view Fields::get(std::string_view name) const {
  const Field* field = find(name);
  return field != nullptr ? field->value : std::string_view();
}

void Fields::set(FieldId id, std::string_view name, std::string_view value) {
  Field* first = id != FieldId::other ? find(id) : find(name);
  if (first == nullptr) {
    append(id, name, value);
    return;
  }
  first->name = name;
  first->value = value;
  for (Field* field = first + 1; field != end(); ++field) {
    if (field->id == id && (id != FieldId::other || equal_names(field->name, name))) field->removed = true;
  }
}

int Fields::remove(FieldId id) {
  if (!may_have(id)) return 0;
  int removed = 0;
  for (Field& field : *this) {
    if (field.id != id || field.removed) continue;
    field.removed = true;
    ++removed;
  }
  return removed;
}

int Fields::remove(std::string_view name) {
  const FieldId id = field_id(name);
  if (id != FieldId::other) return remove(id);
  int removed = 0;
  for (Field& field : *this) {
    if (field.id != FieldId::other || field.removed || !equal_names(field.name, name)) continue;
    field.removed = true;
    ++removed;
  }
  return removed;
}

}  // namespace gatehouse::http
