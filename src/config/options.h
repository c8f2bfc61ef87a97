#pragma once
#include <concepts>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/loader.h"
#include "config/node.h"
#include "config/value_kinds.h"

/// An option is declared once, as a row of a table that binds it to a member of a struct, and that gives strict
/// decoding with every fault at once, its default (the member's initial value), the JSON Schema, the row of the docs
/// and printing.
///
///   struct Config {
///     std::string header_name = "X-Correlation-ID";
///     bool echo = true;
///     std::optional<int> minute;                   // not written: nullopt
///     Duration max_age = std::chrono::hours(1);
///     std::vector<std::string> origins;
///   };
///   const config::Options<Config>& options() {
///     static const auto table = config::Options<Config>()
///         .require("header_name", &Config::header_name, config::header_name(), "Field that carries the id.")
///         .add("echo", &Config::echo, config::boolean(), "Sends the id back to the client.")
///         .add("minute", &Config::minute, config::integer(1), "Requests a minute.")
///         .add("max_age", &Config::max_age, config::duration(), "How long an answer may be kept.")
///         .add("origins", &Config::origins, config::list(config::string()), "Who may ask.")
///         .check([](const Config& c, const config::Where& at) { if (c.origins.empty()) at.error("…"); });
///     return table;
///   }
///   config::PluginInfo info() { return config::plugin_info("my-plugin", "What it does.", 1500, options()); }
///   make(const config::Node* node, BuildContext&) { Config c = options().read(node); … }
namespace gatehouse::config {

/// One row. Type-erased; made by Options.
struct Option {
  std::string name;
  std::shared_ptr<const ValueKind> kind;
  std::function<void*(void*)> member;
  std::string text;
  bool required = false;
  Node shown_default;  ///< where the member's initial value is not the truth; null otherwise
};

/// The rows for one struct, without its type.
class Table {
 public:
  /// Decodes a mapping into the struct at `to`; unknown keys, missing and faulty values are reported. False on any
  /// fault.
  bool decode(const Node& node, const Where& at, void* to) const;
  /// What is written, completed with the defaults; secrets are ***.
  Node effective(const Node* written) const;
  Node print(const void* from) const;
  Node schema() const;
  /// Markdown: "| `name` | type | default | text |" for each row, nested ones as `outer.inner`, with a head.
  std::string markdown() const;
  void markdown_rows(const std::string& prefix, std::string& to) const;
  std::vector<std::string> names() const;
  void references(const Node& written, References& to) const;

  std::vector<Option> options;
  std::vector<std::string> later;  ///< words of features that are planned: refused as "not supported yet"
  std::vector<std::pair<std::string, std::string>> elsewhere;  ///< keys that stand somewhere else, and where
  std::function<void(const void*, const Node&, const Where&)> check;
  std::function<std::shared_ptr<void>()> make;  ///< a default-constructed struct
};

namespace detail {
std::shared_ptr<const ValueKind> nested_kind(std::shared_ptr<const Table> table);
PluginInfo plugin_info(std::string name, std::string summary, int rank, std::shared_ptr<const Table> table);
CredentialInfo credential_info(std::shared_ptr<const Table> table, std::function<CredentialName(const Node&)> name);
}  // namespace detail

/// The table of the options of struct C. Built once, then read by any thread.
template <class C>
class Options {
 public:
  Options() : table_(std::make_shared<Table>()) {
    table_->make = [] { return std::static_pointer_cast<void>(std::make_shared<C>()); };
  }
  template <class T, class B>
  Options& add(std::string name, T B::* member, Value<std::type_identity_t<T>> kind, std::string text) {
    return row(std::move(name), member, std::move(kind.impl), std::move(text), false);
  }
  template <class T, class B>
  Options& add(std::string name, std::optional<T> B::* member, Value<std::type_identity_t<T>> kind, std::string text) {
    return row(std::move(name), member, optional(std::move(kind)).impl, std::move(text), false);
  }
  template <class T, class B>
  Options& require(std::string name, T B::* member, Value<std::type_identity_t<T>> kind, std::string text) {
    return row(std::move(name), member, std::move(kind.impl), std::move(text), true);
  }
  /// For the row before: the default that holds where nothing is written, if it is not the member's initial value.
  Options& shown_default(Node value) {
    table_->options.back().shown_default = std::move(value);
    return *this;
  }
  /// Keys of planned features: "not supported yet" instead of "unknown key".
  Options& later(std::vector<std::string> words) {
    table_->later.insert(table_->later.end(), words.begin(), words.end());
    return *this;
  }
  /// A key that other products have here: refused with `where` it stands instead.
  Options& elsewhere(std::string name, std::string where) {
    table_->elsewhere.emplace_back(std::move(name), std::move(where));
    return *this;
  }
  /// Looks at the whole struct; called only if each value was good.
  Options& check(std::function<void(const C&, const Where&)> function) {
    return check_node([f = std::move(function)](const C& c, const Node&, const Where& at) { f(c, at); });
  }
  /// The same with the mapping at hand, for places of single values.
  Options& check_node(std::function<void(const C&, const Node&, const Where&)> function) {
    table_->check = [f = std::move(function)](const void* c, const Node& node, const Where& at) {
      f(*static_cast<const C*>(c), node, at);
    };
    return *this;
  }

  /// Decodes what has been checked before; a null pointer gives the defaults.
  C read(const Node* node) const {
    Diagnostics ignored;
    C config;
    if (node) table_->decode(*node, Where(ignored, "", node->mark()), &config);
    return config;
  }
  /// Decodes into `to` and reports; false on any fault.
  bool decode(const Node& node, const Where& at, C& to) const { return table_->decode(node, at, &to); }
  /// As the kind of a value, for tables within tables: list(inner().nested()).
  Value<C> nested() const { return {detail::nested_kind(table_)}; }
  const std::shared_ptr<Table>& table() const { return table_; }

 private:
  template <class M, class B>
    requires std::derived_from<C, B>
  Options& row(std::string name, M B::* member, std::shared_ptr<const ValueKind> kind, std::string text,
               bool required) {
    auto access = [member](void* c) -> void* { return &(static_cast<C*>(c)->*member); };
    table_->options.push_back({.name = std::move(name),
                               .kind = std::move(kind),
                               .member = access,
                               .text = std::move(text),
                               .required = required,
                               .shown_default = {}});
    return *this;
  }
  std::shared_ptr<Table> table_;
};

/// A plugin's entry in the catalogue: check, schema, docs and printing from its table. The default-constructed struct
/// must be usable where no option is required; a missing `config` is then fine.
template <class C>
PluginInfo plugin_info(std::string name, std::string summary, int rank, const Options<C>& options) {
  return detail::plugin_info(std::move(name), std::move(summary), rank, options.table());
}

/// The credentials of an authentication plugin: what is written of one besides the keys that all have, and what tells
/// it from others.
template <class C>
CredentialInfo credential_info(const Options<C>& options, CredentialName (*name)(const C&)) {
  return detail::credential_info(options.table(),
                                 [&options, name](const Node& written) { return name(options.read(&written)); });
}

}  // namespace gatehouse::config
