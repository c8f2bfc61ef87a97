#include "config/options.h"

#include <algorithm>

namespace gatehouse::config {

std::string Where::path() const {
  std::string text = up_ ? up_->path() : std::string(name_);
  if (!up_) return text;
  if (index_ >= 0) return text + "[" + std::to_string(index_) + "]";
  if (!text.empty()) text += '.';
  return text.append(name_);
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> names;
  for (const Option& option : options) names.push_back(option.name);
  return names;
}

bool Table::decode(const Node& node, const Where& at, void* to) const {
  bool good = true;
  if (!node.is_mapping() && !node.is_null()) {
    at.expected("a mapping", node);
    return false;
  }
  std::uint64_t seen = 0;
  for (const Node::Entry& entry : node.entries()) {
    const auto option = std::ranges::find(options, entry.key, &Option::name);
    if (option == options.end()) {
      const Where place = at.key(entry.key, entry.key_mark);
      const auto moved = std::ranges::find(elsewhere, entry.key, [](const auto& each) { return each.first; });
      if (moved != elsewhere.end()) {
        place.error("does not stand here", moved->second);
      } else if (std::ranges::find(later, entry.key) != later.end()) {
        place.error("not supported yet");
      } else {
        place.error("unknown key", suggest(entry.key, names()));
      }
      good = false;
      continue;
    }
    const bool absent = entry.value.is_null() && option->kind->allows_null() && !option->required;
    if (!absent && !option->kind->decode(entry.value, at.key(entry.key, entry.value.mark()), option->member(to)))
      good = false;
    seen |= std::uint64_t{1} << ((option - options.begin()) % 64);
  }
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (!options[i].required || (seen >> (i % 64) & 1)) continue;
    at.error("needs \"" + options[i].name + "\"");
    good = false;
  }
  if (good && check) {
    const std::size_t before = at.out().error_count();
    check(to, node, at);
    good = at.out().error_count() == before;
  }
  return good;
}

Node Table::effective(const Node* written) const {
  Node result = Node::mapping();
  const auto defaults = make();
  for (const Option& option : options) {
    const Node* found = written ? written->find(option.name) : nullptr;
    Node value;
    if (found && !(found->is_null() && option.kind->allows_null())) {
      value = option.kind->effective(*found);
    } else if (!option.required) {
      value =
          option.shown_default.is_null() ? option.kind->absent(option.member(defaults.get())) : option.shown_default;
      if (!value.is_scalar() && value.items().empty() && value.entries().empty()) continue;
    }
    if (!value.is_null()) result.set(option.name, std::move(value));
  }
  return result;
}

void Table::references(const Node& written, References& to) const {
  for (const Option& option : options) {
    const Node* const value = written.find(option.name);
    if (value == nullptr) continue;
    const std::size_t before = to.size();
    option.kind->references(*value, to);
    for (std::size_t i = before; i < to.size(); ++i) {
      to[i].path = to[i].path.empty() ? option.name : option.name + "." + to[i].path;
    }
  }
}

Node Table::print(const void* from) const {
  Node result = Node::mapping();
  for (const Option& option : options) {
    Node value = option.kind->print(option.member(const_cast<void*>(from)));
    if (!value.is_null()) result.set(option.name, std::move(value));
  }
  return result;
}

Node Table::schema() const {
  Node properties = Node::mapping();
  Node required = Node::sequence();
  const auto defaults = make();
  for (const Option& option : options) {
    Node schema = option.kind->schema();
    schema.set("description", Node::string(option.text));
    if (option.required) required.push(Node::string(option.name));
    Node value =
        option.shown_default.is_null() ? option.kind->print(option.member(defaults.get())) : option.shown_default;
    if (!option.required && !value.is_null() && !value.is_mapping()) schema.set("default", std::move(value));
    properties.set(option.name, std::move(schema));
  }
  Node result = Node::mapping();
  result.set("type", Node::string("object"));
  result.set("properties", std::move(properties));
  if (!required.items().empty()) result.set("required", std::move(required));
  result.set("additionalProperties", Node::boolean(false));
  return result;
}

namespace {
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}
}  // namespace

void Table::markdown_rows(const std::string& prefix, std::string& to) const {
  const auto defaults = make();
  for (const Option& option : options) {
    const Node value =
        option.shown_default.is_null() ? option.kind->print(option.member(defaults.get())) : option.shown_default;
    std::string shown;
    if (option.required) {
      shown = "required";
    } else if (value.is_scalar() && !value.text().empty()) {
      shown = "`" + value.text() + "`";
    } else if (value.is_sequence() && !value.items().empty()) {
      shown = "`" + to_json_line(value) + "`";
    }
    to += "| `" + cell(prefix + option.name) + "` | " + cell(option.kind->type()) + " | " + cell(shown) + " | " +
          cell(option.text) + " |\n";
    option.kind->markdown_rows(prefix + option.name, to);
  }
}

std::string Table::markdown() const {
  std::string text = "| option | type | default | meaning |\n|---|---|---|---|\n";
  markdown_rows("", text);
  return text;
}

namespace {

class NestedKind : public ValueKind {
 public:
  explicit NestedKind(std::shared_ptr<const Table> table) : table_(std::move(table)) {}
  bool decode(const Node& node, const Where& at, void* to) const override { return table_->decode(node, at, to); }
  Node print(const void* from) const override { return table_->print(from); }
  Node schema() const override { return table_->schema(); }
  std::string type() const override { return "mapping"; }
  Node effective(const Node& written) const override { return table_->effective(&written); }
  bool allows_null() const override { return true; }
  Node absent(const void*) const override { return table_->effective(nullptr); }
  void references(const Node& written, References& to) const override { table_->references(written, to); }
  void markdown_rows(const std::string& prefix, std::string& to) const override {
    table_->markdown_rows(prefix + ".", to);
  }

 private:
  std::shared_ptr<const Table> table_;
};

}  // namespace

namespace detail {

std::shared_ptr<const ValueKind> nested_kind(std::shared_ptr<const Table> table) {
  return std::make_shared<NestedKind>(std::move(table));
}

PluginInfo plugin_info(std::string name, std::string summary, int rank, std::shared_ptr<const Table> table) {
  PluginInfo info;
  info.name = std::move(name);
  info.summary = std::move(summary);
  info.rank = rank;
  info.check = [table](const Node* config, const std::string& path, const Mark& at, Diagnostics& out) {
    const Node empty = Node::mapping(at);
    const auto to = table->make();
    table->decode(config ? *config : empty, Where(out, path, config ? config->mark() : at), to.get());
  };
  info.schema = [table] { return to_json(table->schema()); };
  info.options_table = [table] { return table->markdown(); };
  info.references = [table](const Node* config) {
    References found;
    if (config) table->references(*config, found);
    return found;
  };
  info.effective = [table](const Node* config) { return std::make_shared<const Node>(table->effective(config)); };
  return info;
}

CredentialInfo credential_info(std::shared_ptr<const Table> table, std::function<CredentialName(const Node&)> name) {
  return {.check =
              [table](const Node& written, const std::string& path, Diagnostics& out) {
                const auto to = table->make();
                table->decode(written, Where(out, path, written.mark()), to.get());
              },
          .name = std::move(name),
          .effective = [table](const Node& written) { return table->effective(&written); },
          .schema = [table] { return to_json(table->schema()); },
          .options_table = [table] { return table->markdown(); }};
}

}  // namespace detail
}  // namespace gatehouse::config
