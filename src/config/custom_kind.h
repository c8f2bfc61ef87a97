#pragma once
#include "config/options.h"

namespace gatehouse::config {

/// A kind from functions, for what is not one of the common kinds.
template <class T>
class CustomKind : public ValueKind {
 public:
  struct Parts {
    std::function<bool(const Node&, const Where&, T&)> decode;
    std::string type;
    Node schema = Node::mapping();
    std::function<Node(const Node&)> effective = [](const Node& written) { return written; };
    std::function<Node(const T&)> print = [](const T&) { return Node(); };
    std::function<Node()> absent = {};
    bool allows_null = false;
    std::shared_ptr<const Table> rows = nullptr;  ///< for the docs
  };
  explicit CustomKind(Parts parts) : parts_(std::move(parts)) {}
  bool decode(const Node& node, const Where& at, void* to) const override {
    return parts_.decode(node, at, *static_cast<T*>(to));
  }
  Node print(const void* from) const override { return parts_.print(*static_cast<const T*>(from)); }
  Node absent(const void* initial) const override { return parts_.absent ? parts_.absent() : print(initial); }
  Node schema() const override { return parts_.schema; }
  std::string type() const override { return parts_.type; }
  Node effective(const Node& written) const override { return parts_.effective(written); }
  bool allows_null() const override { return parts_.allows_null; }
  void markdown_rows(const std::string& prefix, std::string& to) const override {
    if (parts_.rows) parts_.rows->markdown_rows(prefix + ".", to);
  }

 private:
  Parts parts_;
};

template <class T>
Value<T> custom(typename CustomKind<T>::Parts parts) {
  return {std::make_shared<CustomKind<T>>(std::move(parts))};
}

inline Node schema_of_type(std::string type) {
  Node schema = Node::mapping();
  schema.set("type", Node::string(std::move(type)));
  return schema;
}

/// The mapping of `options`, with `prepare` run on the new struct before and `finish` after decoding, whether or not it
/// was good: `finish` gives whether the value is good.
template <class T>
Value<T> mapping_of(const Options<T>& options, std::function<void(const Node&, const Where&, T&)> prepare,
                    std::function<bool(const Node&, const Where&, T&, bool good)> finish = {}) {
  return custom<T>({.decode =
                        [&options, prepare, finish](const Node& node, const Where& at, T& to) {
                          prepare(node, at, to);
                          const bool good = options.decode(node, at, to);
                          return finish ? finish(node, at, to, good) : good;
                        },
                    .type = "mapping",
                    .schema = options.table()->schema(),
                    .effective = [&options](const Node& written) { return options.table()->effective(&written); },
                    .rows = options.table()});
}

}  // namespace gatehouse::config
