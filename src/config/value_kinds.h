#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/period.h"
#include "config/diagnostic.h"
#include "config/model.h"
#include "config/node.h"
#include "config/references.h"

namespace gatehouse::config {

/// Where in the document decoding stands. Chained on the stack, so that a path costs nothing until a fault is written:
/// a Where must not outlive the one that it came from.
class Where {
 public:
  Where(Diagnostics& out, std::string_view root, Mark mark) : out_(&out), name_(root), mark_(std::move(mark)) {}
  Where key(std::string_view name, const Mark& mark) const { return Where(*this, name, -1, mark); }
  Where index(std::size_t index, const Mark& mark) const { return Where(*this, {}, static_cast<long>(index), mark); }

  const Mark& mark() const { return mark_; }
  Diagnostics& out() const { return *out_; }
  /// "routes[2].plugins[0].config"
  std::string path() const;
  void error(std::string message, std::string hint = {}) const {
    out_->error(mark_, path(), std::move(message), std::move(hint));
  }
  void warning(std::string message, std::string hint = {}) const {
    out_->warning(mark_, path(), std::move(message), std::move(hint));
  }
  /// "must be <expected>, got <node>"
  void expected(const std::string& what, const Node& node) const {
    error("must be " + what + ", got " + node.described());
  }

 private:
  Where(const Where& up, std::string_view name, long index, const Mark& mark)
      : out_(up.out_), up_(&up), name_(name), index_(index), mark_(mark) {}
  Diagnostics* out_;
  const Where* up_ = nullptr;
  std::string_view name_;
  long index_ = -1;
  Mark mark_;
};

/// How one kind of value is read, printed and described. Immutable, any thread.
class ValueKind {
 public:
  virtual ~ValueKind() = default;
  /// Writes the value to `to`, which points to the C++ type of the kind. False: reported, `to` is untouched or partial.
  virtual bool decode(const Node& node, const Where& at, void* to) const = 0;
  /// A null node where there is nothing to print.
  virtual Node print(const void* from) const = 0;
  virtual Node schema() const = 0;
  /// For docs: "duration", "list of strings".
  virtual std::string type() const = 0;
  /// A written value for printing: completed and without secrets.
  virtual Node effective(const Node& written) const { return written; }
  /// What stands for a value that is not written, `initial` being what the member then holds.
  virtual Node absent(const void* initial) const { return print(initial); }
  virtual void references(const Node& written, References& to) const {}
  /// Whether a key with nothing behind it means the default.
  virtual bool allows_null() const { return false; }
  /// Rows of a nested table for the docs.
  virtual void markdown_rows(const std::string& prefix, std::string& to) const {}
};

/// A kind whose C++ type is T.
template <class T>
struct Value {
  std::shared_ptr<const ValueKind> impl;
};

namespace detail {
struct IntegerAccess {
  void (*store)(void*, std::int64_t);
  std::int64_t (*load)(const void*);
};
std::shared_ptr<const ValueKind> integer_kind(std::int64_t min, std::int64_t max, IntegerAccess access);
std::shared_ptr<const ValueKind> choice_kind(std::vector<std::string> words, IntegerAccess access);
struct ListAccess {
  void* (*append)(void*);
  void (*clear)(void*);
  std::size_t (*size)(const void*);
  const void* (*at)(const void*, std::size_t);
};
std::shared_ptr<const ValueKind> list_kind(std::shared_ptr<const ValueKind> item, ListAccess access, std::size_t min,
                                           bool or_one);
struct MapAccess {
  void* (*append)(void*, std::string key);
  void (*clear)(void*);
  std::size_t (*size)(const void*);
  std::pair<const std::string*, const void*> (*at)(const void*, std::size_t);
};
std::shared_ptr<const ValueKind> map_kind(std::shared_ptr<const ValueKind> item, MapAccess access);
struct OptionalAccess {
  void* (*engage)(void*);
  void (*reset)(void*);
  const void* (*get)(const void*);
};
std::shared_ptr<const ValueKind> optional_kind(std::shared_ptr<const ValueKind> inner, OptionalAccess access);
}  // namespace detail

/// Converts to the kind of any integer type; the bounds are cut to what the type holds.
struct IntegerRange {
  std::int64_t min, max;
  template <std::integral I>
  operator Value<I>() const {
    constexpr auto top = std::cmp_less(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<I>::max())
                             ? std::numeric_limits<std::int64_t>::max()
                             : static_cast<std::int64_t>(std::numeric_limits<I>::max());
    constexpr auto bottom = static_cast<std::int64_t>(std::numeric_limits<I>::min());
    return {detail::integer_kind(std::max(min, bottom), std::min(max, top),
                                 {[](void* to, std::int64_t v) { *static_cast<I*>(to) = static_cast<I>(v); },
                                  [](const void* p) { return static_cast<std::int64_t>(*static_cast<const I*>(p)); }})};
  }
};
inline IntegerRange integer(std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                            std::int64_t max = std::numeric_limits<std::int64_t>::max()) {
  return {min, max};
}

Value<bool> boolean();
Value<double> number(double min = std::numeric_limits<double>::lowest(),
                     double max = std::numeric_limits<double>::max());
/// "50%" or 50: 0 to 100.
Value<double> percentage();
/// `check` gives "" or why the text is refused ("must not be empty").
Value<std::string> string(std::function<std::string(std::string_view)> check = {});
/// The name of a file, relative to the file in which it is written.
Value<std::string> file_name();
/// A string that is not empty.
Value<std::string> non_empty();
/// One of `words`.
Value<std::string> one_of(std::vector<std::string> words);
/// A name: [A-Za-z0-9._-]+
Value<std::string> name();
/// A header name, kept as written; Content-Length, Transfer-Encoding and Connection are refused if `settable`.
Value<std::string> header_name(bool settable = true);
/// The name of a service of this gateway; the loader checks that it exists.
Value<std::string> service_name();
/// The username or the id of a consumer; the loader checks that there is one. `or_of_redis`: it may know another.
Value<std::string> consumer_name(bool or_of_redis = false);
/// A group of consumers; the loader warns where nobody is in it.
Value<std::string> group_name();
/// An RE2 pattern that compiles.
Value<std::string> regex();
/// Printed as ***.
Value<Secret> secret();
/// 250ms 5s 1m 1h 1d, a bare number is seconds; `off` is kOff where `may_be_off`.
Value<Duration> duration(bool may_be_off = false, Duration min = Duration::zero());
/// 512B 32KiB 8MiB, a bare number is bytes; `off` is UINT64_MAX where `may_be_off`.
Value<std::uint64_t> bytes(bool may_be_off = false);
Value<std::uint32_t> bytes32(std::uint32_t min, std::uint32_t max);
/// 10000/hour
Value<Rate> rate();
Value<Cidr> cidr();
/// List of "Name: value" or {Name: value}, or one mapping of names to values. Names are header names where `headers`
/// (checked, and Content-Length, Transfer-Encoding and Connection refused).
using NameValues = std::vector<std::pair<std::string, std::string>>;
Value<NameValues> name_values(bool headers = true);

/// An enum by words: choice<Mode>({{"fast", Mode::fast}, …}) in the order 0, 1, 2 … of the enum.
template <class E>
  requires std::is_enum_v<E>
Value<E> choice(std::vector<std::string> words) {
  return {detail::choice_kind(std::move(words),
                              {[](void* to, std::int64_t v) { *static_cast<E*>(to) = static_cast<E>(v); },
                               [](const void* p) { return static_cast<std::int64_t>(*static_cast<const E*>(p)); }})};
}

template <class T>
detail::ListAccess list_access() {
  using V = std::vector<T>;
  return {[](void* v) -> void* { return &static_cast<V*>(v)->emplace_back(); },
          [](void* v) { static_cast<V*>(v)->clear(); }, [](const void* v) { return static_cast<const V*>(v)->size(); },
          [](const void* v, std::size_t i) -> const void* { return &(*static_cast<const V*>(v))[i]; }};
}
/// A list of at least `min` items. list<int>(integer(1)) where the item's type is not plain.
template <class T>
Value<std::vector<T>> list(Value<T> item, std::size_t min = 0) {
  return {detail::list_kind(std::move(item.impl), list_access<T>(), min, false)};
}
/// The same; a single value stands for the list of it.
template <class T>
Value<std::vector<T>> list_or_one(Value<T> item, std::size_t min = 0) {
  return {detail::list_kind(std::move(item.impl), list_access<T>(), min, true)};
}
/// A mapping of free keys to values of one kind, in the order of the file.
template <class T>
Value<std::vector<std::pair<std::string, T>>> map_of(Value<T> item) {
  using V = std::vector<std::pair<std::string, T>>;
  return {detail::map_kind(
      std::move(item.impl),
      {[](void* v, std::string key) -> void* { return &static_cast<V*>(v)->emplace_back(std::move(key), T()).second; },
       [](void* v) { static_cast<V*>(v)->clear(); }, [](const void* v) { return static_cast<const V*>(v)->size(); },
       [](const void* v, std::size_t i) {
         const auto& item = (*static_cast<const V*>(v))[i];
         return std::pair<const std::string*, const void*>(&item.first, &item.second);
       }})};
}
template <class T>
Value<std::optional<T>> optional(Value<T> inner) {
  using V = std::optional<T>;
  return {detail::optional_kind(std::move(inner.impl), {[](void* v) -> void* { return &static_cast<V*>(v)->emplace(); },
                                                        [](void* v) { static_cast<V*>(v)->reset(); },
                                                        [](const void* v) -> const void* {
                                                          const auto& o = *static_cast<const V*>(v);
                                                          return o ? &*o : nullptr;
                                                        }})};
}

/// The texts of values, for decoding elsewhere. nullopt: not of the form.
std::optional<Duration> parse_duration(std::string_view text);
std::optional<std::uint64_t> parse_bytes(std::string_view text);
std::optional<Rate> parse_rate(std::string_view text);
std::optional<double> parse_percentage(std::string_view text);
/// "5s", "250ms", "off": the shortest that reads back.
std::string duration_text(Duration value);
std::string rate_text(const Rate& rate);
/// "32KiB", "off".
std::string bytes_text(std::uint64_t value);
/// "" or what is wrong with it.
std::string check_name(std::string_view text);
std::string check_header_name(std::string_view text, bool settable);
std::string check_header_value(std::string_view text);
/// Of what services are told of a consumer: it must come through a header field as it is.
std::string check_told(std::string_view text);
std::string check_regex(std::string_view pattern);
std::string lower(std::string_view text);

}  // namespace gatehouse::config
