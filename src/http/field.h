#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::http {

/// Field names that the gateway itself looks at; all others are `other` and found by name.
/// At most 64, so that presence fits a word.
enum class FieldId : std::uint8_t {
  other,
  accept,
  accept_encoding,
  access_control_request_headers,
  access_control_request_method,
  authorization,
  cache_control,
  connection,
  content_encoding,
  content_length,
  content_type,
  cookie,
  date,
  etag,
  expect,
  forwarded,
  host,
  http2_settings,
  keep_alive,
  location,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  retry_after,
  server,
  set_cookie,
  te,
  traceparent,
  tracestate,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  x_correlation_id,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_real_ip,
  x_request_id,
};
inline constexpr std::size_t kFieldIdCount = static_cast<std::size_t>(FieldId::x_request_id) + 1;

/// The id of a field name in any case; `other` if it is none of them.
FieldId field_id(std::string_view name);
/// The name in lower case; "" for `other`.
std::string_view field_name(FieldId id);

/// ASCII case-insensitive equality (RFC 9110 section 5.1).
bool equal_names(std::string_view a, std::string_view b);
/// RFC 9110 section 5.6.2: 1*tchar.
bool is_token(std::string_view text);
/// A value that may be sent: no CR, LF, NUL or other control but HTAB (RFC 9110 section 5.5), no space at either end.
bool is_field_value(std::string_view text);

/// One field line. Views into the message's block or the arena.
struct Field {
  std::string_view name;   ///< as received or set; compared without case
  std::string_view value;  ///< without the white space around it
  FieldId id = FieldId::other;
  bool removed = false;  ///< skipped by everything; the slot stays, so that positions are stable
};

/// The fields of one message in order of arrival. Storage is the arena's; lives as long as the exchange.
/// Names and values are not copied: what is set must be a literal, part of the head's block, or in the arena.
class Fields {
 public:
  explicit Fields(Arena& arena) : arena_(&arena) {}

  /// Appends a line as it is, without a look at what is there.
  void append(FieldId id, std::string_view name, std::string_view value) {
    if (count_ == capacity_) [[unlikely]] {
      grow();
    }
    items_[count_++] = Field{name, value, id, false};
    present_ |= 1ull << static_cast<unsigned>(id);
  }
  void append(std::string_view name, std::string_view value) { append(field_id(name), name, value); }

  /// The first line of that name, or null.
  const Field* find(FieldId id) const {
    if ((present_ >> static_cast<unsigned>(id) & 1) == 0) return nullptr;
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (items_[i].id == id && !items_[i].removed) return &items_[i];
    }
    return nullptr;
  }
  Field* find(FieldId id) { return const_cast<Field*>(static_cast<const Fields*>(this)->find(id)); }
  const Field* find(std::string_view name) const;
  Field* find(std::string_view name) { return const_cast<Field*>(static_cast<const Fields*>(this)->find(name)); }
  /// The value of the first line of that name, "" if there is none.
  std::string_view get(FieldId id) const {
    const Field* field = find(id);
    return field != nullptr ? field->value : std::string_view();
  }
  std::string_view get(std::string_view name) const;
  bool has(FieldId id) const { return find(id) != nullptr; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// May be true though every line of that id was removed; never false if one is there.
  bool may_have(FieldId id) const { return (present_ >> static_cast<unsigned>(id) & 1) != 0; }

  /// Replaces all lines of that name by one (in the first one's place), or appends it.
  void set(FieldId id, std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value) { set(field_id(name), name, value); }
  /// Removes every line of that name; gives how many.
  int remove(FieldId id);
  int remove(std::string_view name);

  /// Every slot, removed ones too.
  Field* begin() { return items_; }
  Field* end() { return items_ + count_; }
  const Field* begin() const { return items_; }
  const Field* end() const { return items_ + count_; }
  std::uint32_t size() const { return count_; }
  void clear() {
    count_ = 0;
    present_ = 0;
  }
  Arena& arena() const { return *arena_; }

 private:
  void grow();

  Arena* arena_;
  Field* items_ = nullptr;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint64_t present_ = 0;
};

/// Calls `visit(std::string_view)` for each non-empty member of a comma-separated list (RFC 9110 section 5.6.1),
/// without the white space around it. Quoted strings are not looked into: for token lists only.
template <class Visit>
void each_list_member(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view member = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!member.empty() && (member.front() == ' ' || member.front() == '\t')) member.remove_prefix(1);
    while (!member.empty() && (member.back() == ' ' || member.back() == '\t')) member.remove_suffix(1);
    if (!member.empty()) visit(member);
  }
}

}  // namespace gatehouse::http
