#include "config/decode.h"

namespace gatehouse::config {
namespace {

/// What a list of plugins may hold: each known name with its own options.
Node plugin_items(const Catalogue& catalogue) {
  Node items = plugin_options().table()->schema();
  Node* properties = items.find("properties");
  Node& names = properties->find("name")->set("enum", Node::sequence());
  Node conditions = Node::sequence();
  for (const PluginInfo& plugin : catalogue.plugins) {
    names.push(Node::string(plugin.name));
    if (!plugin.schema) continue;
    Diagnostics faults;
    Node config = parse_document(plugin.schema(), plugin.name, faults);
    if (faults.has_errors()) continue;
    config.set("title", Node::string(plugin.summary));
    Node wanted = Node::mapping();
    wanted.set("properties", Node::mapping()).set("name", Node::mapping()).set("const", Node::string(plugin.name));
    Node then = Node::mapping();
    then.set("properties", Node::mapping()).set("config", std::move(config));
    Node& condition = conditions.push(Node::mapping());
    condition.set("if", std::move(wanted));
    condition.set("then", std::move(then));
  }
  if (!conditions.items().empty()) items.set("allOf", std::move(conditions));
  return items;
}

/// What a list of credentials may hold: each known type with its own keys.
Node credential_items(const Catalogue& catalogue) {
  Node items = credential_options().table()->schema();
  items.erase("additionalProperties");
  items.set("unevaluatedProperties", Node::boolean(false));
  Node& types = items.find("properties")->find("type")->set("enum", Node::sequence());
  Node conditions = Node::sequence();
  for (const PluginInfo& plugin : catalogue.plugins) {
    if (!plugin.credential) continue;
    types.push(Node::string(plugin.name));
    Diagnostics faults;
    Node own = parse_document(plugin.credential->schema(), plugin.name, faults);
    if (faults.has_errors()) continue;
    own.erase("additionalProperties");
    Node wanted = Node::mapping();
    wanted.set("properties", Node::mapping()).set("type", Node::mapping()).set("const", Node::string(plugin.name));
    Node& condition = conditions.push(Node::mapping());
    condition.set("if", std::move(wanted));
    condition.set("then", std::move(own));
  }
  if (!conditions.items().empty()) items.set("allOf", std::move(conditions));
  return items;
}

/// Lists of plugins refer to one definition, wherever they stand.
void refer_to_plugins(Node& owner_schema) {
  Node* properties = owner_schema.find("properties");
  Node* plugins = properties ? properties->find("plugins") : nullptr;
  if (plugins) plugins->find("items")->entries().clear();
  if (plugins) plugins->find("items")->set("$ref", Node::string("#/$defs/plugin"));
}

}  // namespace

std::string schema(const Catalogue& catalogue) {
  Node body = root_options().table()->schema();
  refer_to_plugins(body);
  for (const char* list : {"services", "routes", "consumers"})
    refer_to_plugins(*body.find("properties")->find(list)->find("items"));
  *body.find("properties")->find("consumers")->find("items")->find("properties")->find("credentials")->find("items") =
      credential_items(catalogue);
  body.set("patternProperties", Node::mapping()).set("^x-", Node::mapping());
  Node result = Node::mapping();
  result.set("$schema", Node::string("https://json-schema.org/draft/2020-12/schema"));
  result.set("title", Node::string("Gatehouse configuration"));
  for (Node::Entry& entry : body.entries()) result.set(entry.key, std::move(entry.value));
  result.set("$defs", Node::mapping()).set("plugin", plugin_items(catalogue));
  return to_json(result);
}

}  // namespace gatehouse::config
