#include <algorithm>

#include "config/value_kinds.h"

namespace gatehouse::config {
namespace {

class ListKind : public ValueKind {
 public:
  ListKind(std::shared_ptr<const ValueKind> item, detail::ListAccess access, std::size_t min, bool or_one)
      : item_(std::move(item)), access_(access), min_(min), or_one_(or_one) {}

  bool decode(const Node& node, const Where& at, void* to) const override {
    const bool one = or_one_ && !node.is_sequence() && !node.is_null();
    if (!one && !node.is_sequence() && !node.is_null()) {
      at.expected(expects(), node);
      return false;
    }
    access_.clear(to);
    if (one) return item_->decode(node, at, access_.append(to));
    if (node.items().size() < min_) {
      at.error(min_ == 1 ? "must not be an empty list" : "must have at least " + std::to_string(min_) + " items");
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.items().size(); ++i) {
      const Node& item = node.items()[i];
      if (!item_->decode(item, at.index(i, item.mark()), access_.append(to))) good = false;
    }
    return good;
  }

  Node print(const void* from) const override {
    Node list = Node::sequence();
    for (std::size_t i = 0; i < access_.size(from); ++i) list.push(item_->print(access_.at(from, i)));
    return list;
  }

  Node schema() const override {
    Node list = Node::mapping();
    list.set("type", Node::string("array"));
    list.set("items", item_->schema());
    if (min_) list.set("minItems", Node::integer(static_cast<std::int64_t>(min_)));
    if (!or_one_) return list;
    Node schema = Node::mapping();
    Node& forms = schema.set("anyOf", Node::sequence());
    forms.push(item_->schema());
    forms.push(std::move(list));
    return schema;
  }

  std::string type() const override { return or_one_ ? item_->type() + " or a list" : "list (" + item_->type() + ")"; }

  Node effective(const Node& written) const override {
    if (!written.is_sequence()) return or_one_ ? item_->effective(written) : written;
    Node list = Node::sequence(written.mark());
    for (const Node& item : written.items()) list.push(item_->effective(item));
    return list;
  }
  bool allows_null() const override { return min_ == 0; }
  void markdown_rows(const std::string& prefix, std::string& to) const override {
    item_->markdown_rows(prefix + "[]", to);
  }
  void references(const Node& written, References& to) const override {
    for (const Node& item : written.items()) item_->references(item, to);
    if (or_one_ && !written.is_sequence()) item_->references(written, to);
  }

 private:
  std::string expects() const { return "a list"; }
  std::shared_ptr<const ValueKind> item_;
  detail::ListAccess access_;
  std::size_t min_;
  bool or_one_;
};

class MapKind : public ValueKind {
 public:
  MapKind(std::shared_ptr<const ValueKind> item, detail::MapAccess access) : item_(std::move(item)), access_(access) {}

  bool decode(const Node& node, const Where& at, void* to) const override {
    if (!node.is_mapping() && !node.is_null()) {
      at.expected("a mapping", node);
      return false;
    }
    access_.clear(to);
    bool good = true;
    for (const Node::Entry& entry : node.entries()) {
      if (!item_->decode(entry.value, at.key(entry.key, entry.value.mark()), access_.append(to, entry.key)))
        good = false;
    }
    return good;
  }
  Node print(const void* from) const override {
    Node map = Node::mapping();
    for (std::size_t i = 0; i < access_.size(from); ++i) {
      const auto [key, value] = access_.at(from, i);
      map.set(*key, item_->print(value));
    }
    return map;
  }
  Node schema() const override {
    Node schema = Node::mapping();
    schema.set("type", Node::string("object"));
    schema.set("additionalProperties", item_->schema());
    return schema;
  }
  std::string type() const override { return "mapping of names (" + item_->type() + ")"; }
  Node effective(const Node& written) const override {
    Node map = Node::mapping(written.mark());
    for (const Node::Entry& entry : written.entries()) map.set(entry.key, item_->effective(entry.value));
    return map;
  }
  bool allows_null() const override { return true; }
  void markdown_rows(const std::string& prefix, std::string& to) const override {
    item_->markdown_rows(prefix + ".*", to);
  }
  void references(const Node& written, References& to) const override {
    for (const Node::Entry& entry : written.entries()) item_->references(entry.value, to);
  }

 private:
  std::shared_ptr<const ValueKind> item_;
  detail::MapAccess access_;
};

class OptionalKind : public ValueKind {
 public:
  OptionalKind(std::shared_ptr<const ValueKind> inner, detail::OptionalAccess access)
      : inner_(std::move(inner)), access_(access) {}
  bool decode(const Node& node, const Where& at, void* to) const override {
    if (inner_->decode(node, at, access_.engage(to))) return true;
    access_.reset(to);
    return false;
  }
  Node print(const void* from) const override {
    const void* value = access_.get(from);
    return value ? inner_->print(value) : Node();
  }
  Node schema() const override { return inner_->schema(); }
  std::string type() const override { return inner_->type(); }
  Node effective(const Node& written) const override { return inner_->effective(written); }
  /// A key with nothing behind it is no key that is not there.
  bool allows_null() const override { return false; }
  void markdown_rows(const std::string& prefix, std::string& to) const override { inner_->markdown_rows(prefix, to); }
  void references(const Node& written, References& to) const override { inner_->references(written, to); }

 private:
  std::shared_ptr<const ValueKind> inner_;
  detail::OptionalAccess access_;
};

class NameValuesKind : public ValueKind {
 public:
  explicit NameValuesKind(bool headers) : headers_(headers) {}

  bool decode(const Node& node, const Where& at, void* to) const override {
    auto& values = *static_cast<NameValues*>(to);
    values.clear();
    if (node.is_mapping()) return entries(node, at, values);
    if (!node.is_sequence() && !node.is_null()) {
      at.expected("a list of \"Name: value\" or a mapping of names to values", node);
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < node.items().size(); ++i) {
      const Node& item = node.items()[i];
      const Where place = at.index(i, item.mark());
      if (item.is_mapping() && !item.entries().empty()) {
        good = entries(item, place, values) && good;
      } else {
        good = line(item, place, values) && good;
      }
    }
    return good;
  }

  Node print(const void* from) const override {
    Node list = Node::sequence();
    for (const auto& [name, value] : *static_cast<const NameValues*>(from))
      list.push(Node::string(name + ": " + value));
    return list;
  }
  Node schema() const override {
    Node schema = Node::mapping();
    Node& types = schema.set("type", Node::sequence());
    types.push(Node::string("array"));
    types.push(Node::string("object"));
    return schema;
  }
  std::string type() const override { return "list of \"Name: value\""; }
  bool allows_null() const override { return true; }

 private:
  bool line(const Node& item, const Where& at, NameValues& to) const {
    const std::size_t colon = item.text().find(':');
    if (!item.is_scalar() || colon == std::string::npos || colon == 0) {
      at.expected("\"Name: value\"", item);
      return false;
    }
    const std::size_t start = item.text().find_first_not_of(" \t", colon + 1);
    return one(item.text().substr(0, colon), start == std::string::npos ? "" : item.text().substr(start), at, to);
  }
  bool entries(const Node& node, const Where& at, NameValues& to) const {
    bool good = true;
    for (const Node::Entry& entry : node.entries()) {
      const Where place = at.key(entry.key, entry.value.mark());
      if (!entry.value.is_scalar()) {
        place.expected("a string", entry.value);
        good = false;
      } else {
        good = one(entry.key, entry.value.text(), place, to) && good;
      }
    }
    return good;
  }
  bool one(std::string name, std::string value, const Where& at, NameValues& to) const {
    std::string fault = headers_ ? check_header_name(name, true) : "";
    if (!fault.empty()) fault += ", got \"" + name + "\"";
    if (fault.empty() && headers_) {
      fault = check_header_value(value);
    }
    if (!fault.empty()) {
      at.error(fault);
      return false;
    }
    to.emplace_back(std::move(name), std::move(value));
    return true;
  }
  bool headers_;
};

}  // namespace

Value<NameValues> name_values(bool headers) {
  return {std::make_shared<NameValuesKind>(headers)};
}

namespace detail {
std::shared_ptr<const ValueKind> list_kind(std::shared_ptr<const ValueKind> item, ListAccess access, std::size_t min,
                                           bool or_one) {
  return std::make_shared<ListKind>(std::move(item), access, min, or_one);
}
std::shared_ptr<const ValueKind> map_kind(std::shared_ptr<const ValueKind> item, MapAccess access) {
  return std::make_shared<MapKind>(std::move(item), access);
}
std::shared_ptr<const ValueKind> optional_kind(std::shared_ptr<const ValueKind> inner, OptionalAccess access) {
  return std::make_shared<OptionalKind>(std::move(inner), access);
}
}  // namespace detail
}  // namespace gatehouse::config
