#include "engine/control/changes.h"

#include <algorithm>
#include <map>

#include "config/node.h"

namespace gatehouse::engine {
namespace {

using config::Node;

std::string written(const Node* node) {
  return node != nullptr ? config::to_json_line(*node) : std::string();
}

/// The text of each named object of a list. Objects of the model stand in the order of the document.
template <class T>
std::vector<std::pair<std::string, std::string>> items(const std::vector<T>& model, const Node* list) {
  std::vector<std::pair<std::string, std::string>> result;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const bool known = list != nullptr && i < list->items().size();
    result.emplace_back(model[i].name, known ? written(&list->items()[i]) : "");
  }
  return result;
}

template <class T>
void compare(const char* kind, const std::vector<T>& model_before, const Node* before,
             const std::vector<T>& model_after, const Node* after, std::vector<std::string>& out) {
  const auto old_items = items(model_before, before), new_items = items(model_after, after);
  const std::map<std::string, std::string> old_texts(old_items.begin(), old_items.end());
  const std::map<std::string, std::string> new_texts(new_items.begin(), new_items.end());
  const std::size_t reported = out.size();
  const auto say = [&](const std::string& name, const char* what) {
    out.push_back(std::string(kind) + " " + name + ": " + what);
  };
  for (const auto& [name, text] : new_items) {
    const auto found = old_texts.find(name);
    if (found == old_texts.end()) say(name, "added");
    if (found != old_texts.end() && found->second != text) say(name, "changed");
  }
  for (const auto& [name, text] : old_items) {
    if (!new_texts.contains(name)) say(name, "removed");
  }
  if (out.size() == reported && old_items != new_items) out.push_back(std::string(kind) + "s: another order");
}

/// Contents of certificate files, of listeners and services that were there before.
void compare_certificates(const config::Model& before, const config::Model& after, std::vector<std::string>& out) {
  for (const config::Listener& listener : after.listeners) {
    const auto old = std::ranges::find(before.listeners, listener.name, &config::Listener::name);
    if (old == before.listeners.end() || !old->tls || !listener.tls) continue;
    const bool same = std::ranges::equal(old->tls->certificates, listener.tls->certificates, {},
                                         &config::TlsCertificate::contents, &config::TlsCertificate::contents) &&
                      old->tls->client_auth.contents == listener.tls->client_auth.contents;
    if (!same) out.push_back("listener " + listener.name + ": other certificates");
  }
  for (const config::Service& service : after.services) {
    const auto old = std::ranges::find(before.services, service.name, &config::Service::name);
    if (old == before.services.end() || old->tls.contents == service.tls.contents) continue;
    out.push_back("service " + service.name + ": other certificates");
  }
  const bool both = before.redis && after.redis && before.redis->tls && after.redis->tls;
  if (both && before.redis->tls->contents != after.redis->tls->contents) out.push_back("redis: other certificates");
}

}  // namespace

std::vector<std::string> changes_between(const config::Loaded& before, const config::Loaded& after) {
  std::vector<std::string> out;
  const Node nothing = Node::mapping();
  const Node& old_tree = before.tree ? *before.tree : nothing;
  const Node& new_tree = after.tree ? *after.tree : nothing;
  const auto whole = [&](const std::string& key) {
    const std::string old_text = written(old_tree.find(key)), new_text = written(new_tree.find(key));
    if (old_text == new_text) return;
    out.push_back(key + ": " + (old_text.empty() ? "added" : new_text.empty() ? "removed" : "changed"));
  };
  for (const Node::Entry& entry : new_tree.entries()) {
    if (entry.key != "services" && entry.key != "routes") whole(entry.key);
  }
  for (const Node::Entry& entry : old_tree.entries()) {
    const bool list = entry.key == "services" || entry.key == "routes";
    if (!list && new_tree.find(entry.key) == nullptr) whole(entry.key);
  }
  compare_certificates(before.model, after.model, out);
  compare("service", before.model.services, old_tree.find("services"), after.model.services, new_tree.find("services"),
          out);
  compare("route", before.model.routes, old_tree.find("routes"), after.model.routes, new_tree.find("routes"), out);
  return out;
}

}  // namespace gatehouse::engine
